"""What people say of cases: which rows they are asked to label, how far they agree, and what becomes a label."""
