-- Lists of hosts that people look at again, see package views. The query names what is
-- looked for as an address does, and nothing else.
CREATE TABLE saved_view (
  id      TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,                 -- saved it
  name    TEXT NOT NULL,
  query   TEXT NOT NULL,
  shared  INTEGER NOT NULL,              -- with everybody
  made    INTEGER NOT NULL               -- or last saved anew
) WITHOUT ROWID;
CREATE INDEX saved_view_account ON saved_view (account);
