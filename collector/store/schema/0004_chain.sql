-- What hosts send is written where the writer is anyway. An index over all hosts has
-- a page for each of them, which every record would change.

-- An event names the one before it, of its host and of its check. The newest of a
-- chain is in host and in check_newest; it ends where events have expired.
ALTER TABLE event ADD COLUMN host_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN check_before INTEGER NOT NULL DEFAULT 0;
UPDATE event SET host_before = b.host_before, check_before = b.check_before FROM (SELECT id,
    lag(id, 1, 0) OVER (PARTITION BY host ORDER BY id) AS host_before,
    lag(id, 1, 0) OVER (PARTITION BY check_id ORDER BY id) AS check_before FROM event) b WHERE b.id = event.id;
ALTER TABLE host ADD COLUMN newest INTEGER NOT NULL DEFAULT 0;
UPDATE host SET newest = ifnull((SELECT max(id) FROM event WHERE event.host = host.host), 0);
CREATE TABLE check_newest (
  check_id TEXT NOT NULL PRIMARY KEY,
  event    INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO check_newest SELECT check_id, max(id) FROM event GROUP BY check_id;
DROP INDEX event_host;
DROP INDEX event_check;

-- A host changes its place here only when a check goes bad or is good again on it.
CREATE INDEX host_check_check ON host_check (check_id, host);
DROP INDEX state_check;
