package servers

import (
	"context"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/servers/answer"
)

// Facts is what the servers of a host offer to strangers. A list is empty where no
// server of its kind is in use.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Found are the servers whose configuration was looked at.
	Found []Server `json:"found"`

	MailRelay     []answer.Answer `json:"mail_relay"`     // hands on mail of strangers to others
	MailPublic    []answer.Answer `json:"mail_public"`    // takes mail from the network at all
	MailPlain     []answer.Answer `json:"mail_plain"`     // takes passwords without TLS
	MailVerify    []answer.Answer `json:"mail_verify"`    // tells which addresses exist (VRFY)
	Proxy         []answer.Answer `json:"proxy"`          // fetches anything for strangers
	Resolver      []answer.Answer `json:"resolver"`       // resolves any name for strangers
	ZoneTransfer  []answer.Answer `json:"zone_transfer"`  // hands out whole zones
	FTPWrite      []answer.Answer `json:"ftp_write"`      // takes files without a password
	FTPAnonymous  []answer.Answer `json:"ftp_anonymous"`  // lets in without a password
	ShareWrite    []answer.Answer `json:"share_write"`    // Samba: guests write
	ShareGuest    []answer.Answer `json:"share_guest"`    // Samba: guests read
	ShareOld      []answer.Answer `json:"share_old"`      // Samba: SMB 1
	ExportWrite   []answer.Answer `json:"export_write"`   // NFS: any host writes
	ExportRoot    []answer.Answer `json:"export_root"`    // NFS: root of others is root here
	RsyncWrite    []answer.Answer `json:"rsync_write"`    // rsync: writes without a password
	TFTPWrite     []answer.Answer `json:"tftp_write"`     // TFTP: creates files
	DatabaseOpen  []answer.Answer `json:"database_open"`  // a database without a password
	DatabaseTrust []answer.Answer `json:"database_trust"` // any local user is any database user
	SNMP          []answer.Answer `json:"snmp"`           // a community that everybody knows
	WebTokens     []answer.Answer `json:"web_tokens"`     // tells its release
	WebIndex      []answer.Answer `json:"web_index"`      // lists directories
	WebStatus     []answer.Answer `json:"web_status"`     // shows its state
	WebTrace      []answer.Answer `json:"web_trace"`      // answers TRACE
}

// Server is a server that is installed.
type Server struct {
	Name   string `json:"name"`
	Config string `json:"config"` // the file that it starts with
	Unit   string `json:"unit"`
	// InUse: it starts at boot, or runs. One that is neither answers nobody and is
	// not asked.
	InUse bool   `json:"in_use"`
	Error string `json:"error,omitempty"` // why its configuration could not be read
}

// Read reads what servers offer.
func Read(_ context.Context, env fact.Env) Facts {
	start := time.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateUnknown, Reason: "not read by this version"}}
	_ = env
	f.Meta.Took = time.Since(start)
	return f
}
