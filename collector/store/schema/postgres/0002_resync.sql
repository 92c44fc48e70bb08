-- What changed while nobody was told: a whole state that replaces another is
-- compared with it, and the differences enter the timeline.

ALTER TABLE host ADD COLUMN whole bigint NOT NULL DEFAULT 0; -- a whole state was taken once
UPDATE host SET whole = CASE WHEN pass + fail + not_applicable + unknown + error + waived > 0 THEN 1 ELSE 0 END;

-- (host, lane, epoch, seq, ordinal) names an event for ever. Ordinal 0 is a change
-- that the host sent; from 1 on, what differed when a whole state was complete.
ALTER TABLE event ADD COLUMN ordinal bigint NOT NULL DEFAULT 0;
-- The verdict and the values were those before: only the evidence's place is another.
ALTER TABLE event ADD COLUMN moved bigint NOT NULL DEFAULT 0;
