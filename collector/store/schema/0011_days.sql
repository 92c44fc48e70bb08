-- The results that stood on a host at the end of a day, for the past of a part of the
-- fleet: the fleet's own is in day. The row of today is written again while it lasts.
CREATE TABLE host_day (
  host    BLOB NOT NULL,
  day     INTEGER NOT NULL,              -- days since 1970, UTC
  pass    INTEGER NOT NULL,
  fail    INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  error   INTEGER NOT NULL,
  PRIMARY KEY (host, day)
) WITHOUT ROWID;

-- For how long what is kept, where a person said so; else it is as configured.
CREATE TABLE retention (
  kind    TEXT NOT NULL PRIMARY KEY,
  days    INTEGER NOT NULL,              -- 0: for good
  who     TEXT NOT NULL,
  changed INTEGER NOT NULL
) WITHOUT ROWID;

-- The newest entry of the audit trail that was deleted, if any: the chain goes on from
-- its hash.
CREATE TABLE trail_cut (
  seq  INTEGER NOT NULL PRIMARY KEY,
  hash BLOB NOT NULL
);
