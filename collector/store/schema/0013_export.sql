-- What is sent to other programs as it happens, and how far each of these exports got.
-- Times are nanoseconds since 1970, UTC, 0 where not set.
CREATE TABLE export_stream (
  name       TEXT NOT NULL PRIMARY KEY,
  body       TEXT NOT NULL,              -- what is sent, as JSON
  route      TEXT NOT NULL,              -- a name, as of alerts
  changed    INTEGER NOT NULL,           -- by a person
  events     INTEGER NOT NULL,           -- the newest event that was put into the outbox
  detections INTEGER NOT NULL,           -- the newest place of a detection that was
  round      INTEGER NOT NULL,           -- when the last whole state began
  walking    INTEGER NOT NULL,           -- 1: it is not finished
  walked     BLOB NOT NULL,              -- the host that it got to
  sent       INTEGER NOT NULL,           -- entries that were put into the outbox
  lost       INTEGER NOT NULL,           -- entries that were gone before their turn, or too large
  reached    INTEGER NOT NULL            -- when the collector heard of what was sent last
) WITHOUT ROWID;
