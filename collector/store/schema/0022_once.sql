-- Keys with which programs ask for something to be made, so that it is made once though
-- they ask again, see package once. Of the keys and bodies only hashes are here.
CREATE TABLE once (
  id     BLOB NOT NULL PRIMARY KEY,
  token  TEXT NOT NULL,                  -- the API token that asked
  body   BLOB NOT NULL,
  born   INTEGER NOT NULL,
  status INTEGER NOT NULL,               -- of the answer; 0: not yet answered
  place  TEXT NOT NULL,                  -- of what was made
  answer TEXT NOT NULL                   -- '': it held a secret
) WITHOUT ROWID;
CREATE INDEX once_token ON once (token, born);
CREATE INDEX once_born ON once (born);
