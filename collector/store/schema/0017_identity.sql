-- Whose account it is at a provider of identities, see package identity.
CREATE TABLE identity (
  account TEXT NOT NULL PRIMARY KEY,
  issuer  TEXT NOT NULL,
  subject TEXT NOT NULL,
  created INTEGER NOT NULL,              -- of the account: one made anew is another
  UNIQUE (issuer, subject)
) WITHOUT ROWID;
