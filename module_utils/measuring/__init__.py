"""What every module measures with: commands, files, questions with a deadline, and the wording of observations."""
