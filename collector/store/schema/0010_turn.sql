-- Collectors that share a database write one after another: each transaction that
-- changes something takes a turn, and the row says what it changed for those who
-- remember rows (see package turn). A file has one collector, and no rows here. Old
-- rows go.
CREATE TABLE turn (
  number    INTEGER NOT NULL PRIMARY KEY, -- without holes
  collector INTEGER NOT NULL,             -- a number that it drew when it started
  topics    TEXT NOT NULL,                -- beside hosts, one on each line
  hosts     BLOB NOT NULL,                -- whose rows are others, 16 bytes each
  members   BLOB NOT NULL,                -- whose row in member is another, 16 bytes each
  first     INTEGER NOT NULL,             -- event that it wrote, 0 for none
  last      INTEGER NOT NULL,             -- event that it wrote
  whole     INTEGER NOT NULL              -- 1: nothing that is remembered of any host is sure; 2: nor of any member
);

-- Who does what may be done once at a time, see package lease.
CREATE TABLE lease (
  name   TEXT NOT NULL PRIMARY KEY,
  holder INTEGER NOT NULL,                -- 0 for nobody
  beat   INTEGER NOT NULL                 -- one more with each sign of life
) WITHOUT ROWID;
