"""Silent errors that other simulators have had: results that look right and are not. Each is guarded by a test, here
or in its room.

- Code kept for another model, version or processor: `numerics/compiled/test_programs.py`.
- State left from an earlier call: `test_calls.py`.
- A change that is ignored for the type of its container or the spelling of its name: `test_changes.py`.
- A failed run that counts as a zero, as met or as a member of a mean: `test_failures.py`, `experiments/test_run.py`
  (`test_a_measure_of_a_failed_arm_is_missed_and_not_a_number`) and `tasks/test_sweep.py`
  (`test_bands_are_quantiles_over_members_that_did_not_fail`), `api/test_batch.py`.
- Numbers written with fewer digits than they have: `test_digits.py`.
- A fallback that cannot do the model: `test_doses.py`, `experiments/test_readouts.py`, `experiments/test_run.py` and
  `api/test_undefined.py` hold both engines against exact values.
- Members that leak into one another in a thread: `test_calls.py`, and `numerics/compiled/test_engine.py`
  (`test_the_batch_that_a_member_is_in_changes_no_bit`).
- A dose lost where the solver starts again: `test_doses.py`, and `numerics/test_jumps.py`.
- Results that depend on order: `test_calls.py`, and `experiments/test_sweep.py`
  (`test_the_same_to_the_last_bit_whoever_computes_in_whatever_blocks`).
"""
