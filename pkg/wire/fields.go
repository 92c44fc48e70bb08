package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Limits of lists; those of text are text.Limit, or 64 bytes for ids.
const (
	maxEvidence   = 64
	maxResults    = 1024
	maxParts      = 1024
	maxChecks     = 512
	maxReferences = 32
	maxTags       = 64
)

// Limits of a detection's lists, and of the bytes of their words.
const (
	maxSamples        = 8
	maxAncestry       = 16
	maxRecords        = 16
	maxTechniques     = 16
	maxTechnique      = 64
	maxFalsePositives = 16
	maxFalsePositive  = 512
	maxGroup          = 16
)

// field ties a field's number and name in the .proto file to the place of its
// value, whose type says how it is encoded (see value.go).
type field struct {
	num   protowire.Number
	name  string
	value any
}

func recordFields(r *Record) []field {
	return []field{
		{1, "time_unix_nano", &r.Time},
		{2, "change", optional[finding.Change]{&r.Change, changeFields}},
		{3, "state_part", optional[finding.StatePart]{&r.State, partFields}},
		{4, "heartbeat", optional[finding.Heartbeat]{&r.Heartbeat, heartbeatFields}},
		{5, "pack", optional[finding.Pack]{&r.Pack, packFields}},
		{6, "detection", optional[finding.Detection]{&r.Detection, detectionFields}},
	}
}

func detectionFields(d *finding.Detection) []field {
	return []field{
		{1, "id", &d.ID},
		{2, "rule", &d.Rule},
		{3, "title", &d.Title},
		{4, "severity", &d.Severity},
		{5, "techniques", words{&d.Techniques, maxTechniques, maxTechnique}},
		{6, "description", &d.Description},
		{7, "false_positives", words{&d.FalsePositives, maxFalsePositives, maxFalsePositive}},
		{8, "count", &d.Count},
		{9, "first_unix_nano", &d.First},
		{10, "last_unix_nano", &d.Last},
		{11, "group", words{&d.Group, maxGroup, finding.MaxGroup}},
		{12, "ended", &d.Ended},
		{13, "samples", list[finding.Sample]{&d.Samples, sampleFields, maxSamples}},
	}
}

func sampleFields(s *finding.Sample) []field {
	return []field{
		{1, "time_unix_nano", &s.Time},
		{2, "serial", &s.Serial},
		{3, "actor", message(actorFields(&s.Actor))},
		{4, "command", &s.Command},
		{5, "target", &s.Target},
		{6, "syscall", &s.Syscall},
		{7, "claimed", &s.Claimed},
		{8, "ancestry", list[finding.Process]{&s.Ancestry, processFields, maxAncestry}},
		{9, "records", words{&s.Records, maxRecords, text.Limit}},
	}
}

func actorFields(a *finding.Actor) []field {
	return []field{
		{1, "auid", &a.AUID},
		{2, "login", &a.Login},
		{3, "uid", &a.UID},
		{4, "user", &a.User},
		{5, "session", &a.Session},
		{6, "from", &a.From},
		{7, "via", &a.Via},
		{8, "program", &a.Program},
		{9, "text", &a.Text},
	}
}

func processFields(p *finding.Process) []field {
	return []field{
		{1, "pid", &p.PID},
		{2, "exe", &p.Exe},
		{3, "command", &p.Command},
	}
}

func changeFields(c *finding.Change) []field {
	return []field{
		{1, "result", message(resultFields(&c.Result))},
		{2, "previous", &c.Previous},
		{3, "removed", &c.Removed},
	}
}

func resultFields(r *finding.Result) []field {
	return []field{
		{1, "check", &r.Check},
		{2, "resource", &r.Resource},
		{3, "status", &r.Status},
		{4, "severity", &r.Severity},
		{5, "actual", &r.Actual},
		{6, "expected", &r.Expected},
		{7, "evidence", list[finding.Evidence]{&r.Evidence, evidenceFields, maxEvidence}},
		{8, "cause", optional[finding.Cause]{&r.Cause, causeFields}},
		{9, "time_unix_nano", &r.Time},
		{10, "group", &r.Group},
		{11, "since_unix_nano", &r.Since},
	}
}

func evidenceFields(e *finding.Evidence) []field {
	return []field{
		{1, "file", &e.File},
		{2, "line", &e.Line},
		{3, "text", &e.Text},
	}
}

func causeFields(c *finding.Cause) []field {
	return []field{
		{1, "serial", &c.Serial},
		{2, "time_unix_nano", &c.Time},
		{3, "auid", &c.AUID},
		{4, "login_user", &c.LoginUser},
		{5, "uid", &c.UID},
		{6, "user", &c.User},
		{7, "euid", &c.EUID},
		{8, "session", &c.Session},
		{9, "pid", &c.PID},
		{10, "tty", &c.TTY},
		{11, "exe", &c.Exe},
		{12, "command", &c.Command},
		{13, "path", &c.Path},
		{14, "operation", &c.Operation},
	}
}

func partFields(p *finding.StatePart) []field {
	return []field{
		{1, "id", &p.ID},
		{2, "part", &p.Part},
		{3, "parts", &p.Parts},
		{4, "total", &p.Total},
		{5, "digest", &p.Digest},
		{6, "results", list[finding.Result]{&p.Results, resultFields, maxResults}},
	}
}

func packFields(p *finding.Pack) []field {
	return []field{
		{1, "digest", &p.Digest},
		{2, "checks", list[finding.CheckInfo]{&p.Checks, infoFields, maxChecks}},
	}
}

func infoFields(c *finding.CheckInfo) []field {
	return []field{
		{1, "id", &c.ID},
		{2, "family", &c.Family},
		{3, "title", &c.Title},
		{4, "severity", &c.Severity},
		{5, "rationale", &c.Rationale},
		{6, "remediation", &c.Remediation},
		{7, "references", words{&c.References, maxReferences, text.Limit}},
	}
}

func heartbeatFields(h *finding.Heartbeat) []field {
	return []field{
		{1, "host", message(hostFields(&h.Host))},
		{2, "counters", message(counterFields(&h.Counter))},
	}
}

func hostFields(h *finding.Host) []field {
	return []field{
		{1, "name", &h.Name},
		{2, "machine_id", &h.MachineID},
		{3, "os", &h.OS},
		{4, "os_id", &h.OSID},
		{5, "os_version", &h.OSVersion},
		{6, "kernel", &h.Kernel},
		{7, "arch", &h.Arch},
		{8, "boot_time_unix_nano", &h.BootTime},
		{9, "uptime_seconds", &h.UptimeSeconds},
		{10, "load1", &h.Load1},
		{11, "load5", &h.Load5},
		{12, "load15", &h.Load15},
		{13, "memory_total", &h.MemoryTotal},
		{14, "memory_free", &h.MemoryFree},
		{15, "cpus", &h.CPUs},
		{16, "droplet_id", &h.DropletID},
		{17, "region", &h.Region},
		{18, "tags", words{&h.Tags, maxTags, text.Limit}},
		{19, "agent_version", &h.AgentVersion},
	}
}

func counterFields(c *finding.Counters) []field {
	return []field{
		{1, "audit_mode", &c.AuditMode},
		{2, "audit_reason", &c.AuditReason},
		{3, "records", &c.Records},
		{4, "events", &c.Events},
		{5, "events_matched", &c.EventsMatched},
		{6, "kernel_lost", &c.KernelLost},
		{7, "overruns", &c.Overruns},
		{8, "serial_gaps", &c.SerialGaps},
		{9, "evaluations", &c.Evaluations},
		{10, "changes", &c.Changes},
		{11, "spool_epoch", &c.SpoolEpoch},
		{12, "spool_seq", &c.SpoolSeq},
		{13, "spool_bytes", &c.SpoolBytes},
		{14, "spool_evicted", &c.SpoolEvicted},
		{15, "cpu_seconds", &c.CPUSeconds},
		{16, "rss_bytes", &c.RSSBytes},
		{17, "uptime_seconds", &c.UptimeSeconds},
		{18, "spool_refused", &c.SpoolRefused},
		{19, "spool_damaged", &c.SpoolDamaged},
		{20, "detections", &c.Detections},
		{21, "detections_suppressed", &c.DetectionsSuppressed},
		{22, "detections_lost", &c.DetectionsLost},
		{23, "detection_rules", &c.DetectionRules},
		{24, "detection_faults", &c.DetectionFaults},
		{40, "audit_filled", &c.AuditFilled},
		{41, "audit_partial", &c.AuditPartial},
		{42, "audit_backlog_high", &c.AuditBacklogHigh},
		{43, "audit_buffer", &c.AuditBuffer},
		{44, "audit_rules", &c.AuditRules},
		{45, "audit_rules_refused", &c.AuditRulesRefused},
		{46, "audit_gaps", &c.AuditGaps},
		{47, "audit_rate_limit", &c.AuditRateLimit},
	}
}
