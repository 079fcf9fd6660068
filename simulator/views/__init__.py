"""What people look at: text, figures and pages made from results. Nothing of the model is computed here."""
