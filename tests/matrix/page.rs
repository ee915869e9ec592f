//! The page and the table say the same.
