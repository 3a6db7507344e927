"""What a release plan would have done to a candidate with a planted fault: the gates themselves, on the past."""
