package ocsf

import "seawall/pkg/finding"

// The schema's objects, with the fields that are used of each. The names in the tags are
// the schema's own; a test holds them against its files.
type (
	event struct {
		Activity     int    `json:"activity_id"`
		ActivityName string `json:"activity_name"`
		Category     int    `json:"category_uid"`
		CategoryName string `json:"category_name"`
		Class        int    `json:"class_uid"`
		ClassName    string `json:"class_name"`
		Type         int    `json:"type_uid"`
		Time         int64  `json:"time"`
		Start        int64  `json:"start_time,omitempty"`
		End          int64  `json:"end_time,omitempty"`
		Count        uint64 `json:"count,omitempty"`
		Severity     int    `json:"severity_id"`
		SeverityName string `json:"severity"`
		Status       int    `json:"status_id"`
		StatusName   string `json:"status"`
		Message      string `json:"message"`

		Metadata        metadata        `json:"metadata"`
		Finding         info            `json:"finding_info"`
		Compliance      *compliance     `json:"compliance,omitempty"`
		Vulnerabilities []vulnerability `json:"vulnerabilities,omitempty"`
		Evidences       []evidence      `json:"evidences,omitempty"`
		Remediation     *remediation    `json:"remediation,omitempty"`
		Resources       []resource      `json:"resources,omitempty"`
		Device          device          `json:"device"`
		Actor           *actor          `json:"actor,omitempty"`
		Unmapped        map[string]any  `json:"unmapped,omitempty"`
	}
	metadata struct {
		Version  string   `json:"version"`
		Profiles []string `json:"profiles"`
		Product  product  `json:"product"`
		UID      string   `json:"uid,omitempty"`
		Logged   int64    `json:"logged_time,omitempty"`
	}
	product struct {
		Name    string `json:"name"`
		Vendor  string `json:"vendor_name"`
		Version string `json:"version,omitempty"`
	}
	info struct {
		UID       string    `json:"uid"`
		Title     string    `json:"title"`
		Desc      string    `json:"desc,omitempty"`
		Types     []string  `json:"types,omitempty"`
		FirstSeen int64     `json:"first_seen_time,omitempty"`
		LastSeen  int64     `json:"last_seen_time,omitempty"`
		Analytic  *analytic `json:"analytic,omitempty"`
		Attacks   []attack  `json:"attacks,omitempty"`
	}
	analytic struct {
		Type     int    `json:"type_id"`
		TypeName string `json:"type"`
		UID      string `json:"uid"`
		Name     string `json:"name,omitempty"`
	}
	attack struct {
		Technique technique  `json:"technique"`
		Sub       *technique `json:"sub_technique,omitempty"`
	}
	technique struct {
		UID string `json:"uid"`
	}
	compliance struct {
		Standards    []string `json:"standards"`
		Requirements []string `json:"requirements,omitempty"`
		Control      string   `json:"control"`
		StatusID     int      `json:"status_id"`
		Status       string   `json:"status"`
		Detail       string   `json:"status_detail,omitempty"`
	}
	vulnerability struct {
		CVE       cve          `json:"cve"`
		Title     string       `json:"title,omitempty"`
		Severity  string       `json:"severity,omitempty"`
		Packages  []affected   `json:"affected_packages"`
		Fix       bool         `json:"is_fix_available"`
		FirstSeen int64        `json:"first_seen_time,omitempty"`
		LastSeen  int64        `json:"last_seen_time,omitempty"`
		Remedy    *remediation `json:"remediation,omitempty"`
	}
	cve struct {
		UID string `json:"uid"`
	}
	affected struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Arch    string `json:"architecture,omitempty"`
		Fixed   string `json:"fixed_in_version,omitempty"`
	}
	remediation struct {
		Desc       string   `json:"desc"`
		References []string `json:"references,omitempty"`
	}
	resource struct {
		UID  string `json:"uid"`
		Name string `json:"name"`
		Type string `json:"type"`
	}
	device struct {
		Type     int    `json:"type_id"`
		TypeName string `json:"type"`
		UID      string `json:"uid"`
		Hostname string `json:"hostname,omitempty"`
		Name     string `json:"name,omitempty"`
		Instance string `json:"instance_uid,omitempty"`
		Region   string `json:"region,omitempty"`
		OS       system `json:"os"`
	}
	system struct {
		Name     string `json:"name"`
		Type     int    `json:"type_id"`
		TypeName string `json:"type"`
		Version  string `json:"version,omitempty"`
	}
	evidence struct {
		Actor   *actor         `json:"actor,omitempty"`
		Process *process       `json:"process,omitempty"`
		Data    map[string]any `json:"data,omitempty"`
	}
	actor struct {
		User    *user    `json:"user,omitempty"`
		Session *session `json:"session,omitempty"`
		Process *process `json:"process,omitempty"`
	}
	user struct {
		Name string `json:"name,omitempty"`
		UID  string `json:"uid"`
	}
	session struct {
		UID      string `json:"uid,omitempty"`
		Terminal string `json:"terminal,omitempty"`
	}
	process struct {
		PID     uint32   `json:"pid"`
		Name    string   `json:"name,omitempty"`
		Command string   `json:"cmd_line,omitempty"`
		File    *file    `json:"file,omitempty"`
		User    *user    `json:"user,omitempty"`
		Parent  *process `json:"parent_process,omitempty"`
	}
	file struct {
		Name string `json:"name"`
		Path string `json:"path"`
		Type int    `json:"type_id"`
	}
)

// places is evidence of a result as "unmapped" has it.
type places []finding.Evidence
