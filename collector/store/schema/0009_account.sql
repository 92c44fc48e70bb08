-- People. A name is in lower case and stays one person's for ever in the trail. Scope is
-- tags of hosts, one on each line; none means all hosts. Times that are not set are 0.
CREATE TABLE account (
  name     TEXT NOT NULL PRIMARY KEY,
  hash     TEXT NOT NULL,                -- argon2id; empty for who signs in elsewhere alone
  role     TEXT NOT NULL,
  scope    TEXT NOT NULL,
  created  INTEGER NOT NULL,
  changed  INTEGER NOT NULL,             -- the password
  disabled INTEGER NOT NULL,
  seen     INTEGER NOT NULL              -- the last sign-in
) WITHOUT ROWID;
-- Until now there was one.
INSERT INTO account SELECT name, hash, 'admin', '', created, created, 0, 0 FROM credential;
DROP TABLE credential;

-- What programs come with: the SHA-256 of the token. It may never do more than its
-- owner may.
CREATE TABLE api_token (
  id      TEXT NOT NULL PRIMARY KEY,
  hash    BLOB NOT NULL,
  account TEXT NOT NULL,
  label   TEXT NOT NULL,
  role    TEXT NOT NULL,
  scope   TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  used    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX api_token_account ON api_token (account);

-- What people did, see package trail.
CREATE TABLE trail (
  seq    INTEGER NOT NULL PRIMARY KEY,
  at     INTEGER NOT NULL,
  who    TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash   BLOB NOT NULL
);
