"""A whole course: many submissions, their results, and what is made of them."""
