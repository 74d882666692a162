-- The rights that the last migration has given, as the view `rights` shows them. The doctor compares the two.
CREATE TABLE expected_rights (
  line text PRIMARY KEY
);
