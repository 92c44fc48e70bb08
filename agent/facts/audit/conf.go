package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"

	"seawall/agent/facts/fact"
	"seawall/pkg/auditconf"
)

const confPath = "/etc/audit/auditd.conf"

// conf reads auditd.conf. One that auditd would refuse is not known: the daemon
// does not run with it.
func (r *reader) conf() Conf {
	c := Conf{Path: confPath, Settings: map[string]fact.Text{}, Numbers: map[string]int{}}
	fi, err := r.root.Lstat(confPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Reason = "there is no " + confPath
		return c
	case err != nil:
		c.Reason = unreadable(err)
		return c
	case fi.Mode()&fs.ModeSymlink != 0:
		c.Reason = confPath + ": auditd refuses a symbolic link"
		return c
	case fi.Mode().Perm()&0o002 != 0:
		c.Reason = confPath + ": auditd refuses a file that everyone may write"
		return c
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && r.live && st.Uid != 0 {
		c.Reason = confPath + ": auditd refuses a file that root does not own"
		return c
	}
	b, err := r.root.ReadFile(confPath, 0)
	if err != nil {
		c.Reason = unreadable(err)
		return c
	}
	settings, err := auditconf.ParseDaemon(string(b))
	if err != nil {
		c.Reason = fmt.Sprintf("auditd refuses %s: %v", confPath, err)
		return c
	}
	c.Known = true
	for name, s := range settings {
		t := fact.Text{Value: s.Value}
		if s.Line > 0 {
			t = fact.Text{Value: s.Value, Set: true, File: confPath, Line: s.Line, Raw: s.Raw}
		}
		c.Settings[name] = t
		if n, err := strconv.Atoi(s.Value); err == nil {
			c.Numbers[name] = n
		}
	}
	return c
}
