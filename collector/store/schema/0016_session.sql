-- Who is signed in to the dashboard, so that each collector on the database knows them.
-- What a browser sends is not here, only the SHA-256 of it.
CREATE TABLE session (
  id      BLOB NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  born    INTEGER NOT NULL,
  used    INTEGER NOT NULL,              -- to the minute
  address TEXT NOT NULL,                 -- at the sign-in
  agent   TEXT NOT NULL                  -- the browser's word for itself, likewise
) WITHOUT ROWID;
CREATE INDEX session_account ON session (account, used);

-- With what forms and known browsers are recognised. It opens nothing by itself.
CREATE TABLE web_key (
  name TEXT NOT NULL PRIMARY KEY,
  key  BLOB NOT NULL
) WITHOUT ROWID;
