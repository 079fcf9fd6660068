"""An arm of a scenario as SBML Level 3 Version 2. Needs libSBML; nothing here knows another format."""
