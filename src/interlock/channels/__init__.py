"""Ways to tell people: a webhook of our own, and the hundred services of Apprise. They send; they decide nothing."""
