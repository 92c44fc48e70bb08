-- The tags that a token gives the hosts that it admits, a JSON list: who may see them
-- goes by these, as with those that an administrator gives.
ALTER TABLE token ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
