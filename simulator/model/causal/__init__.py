"""Which names of a model raise or lower which: signs proved from the rate laws, and the feedback loops they form.

Nothing here is simulated: how strongly a loop acted in one run belongs to experiments/explanation/.
"""
