package share

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// Answers are those of servers of files.
type Answers struct {
	FTPAnonymous []answer.Answer `json:"ftp_anonymous"` // lets in without a password
	FTPWrite     []answer.Answer `json:"ftp_write"`     // and takes files
	GuestRead    []answer.Answer `json:"guest_read"`    // Samba
	GuestWrite   []answer.Answer `json:"guest_write"`   // Samba
	OldProtocol  []answer.Answer `json:"old_protocol"`  // Samba: SMB 1
	ExportWrite  []answer.Answer `json:"export_write"`  // NFS: more than single hosts write
	ExportRoot   []answer.Answer `json:"export_root"`   // NFS: root of a client is root here
	RsyncWrite   []answer.Answer `json:"rsync_write"`   // rsync: writes without a password
	TFTPWrite    []answer.Answer `json:"tftp_write"`    // TFTP: creates files
}

// Bounds: of what is beyond nothing is known.
const (
	maxAnswers = 500 // shares, exports or modules
	maxShares  = 100 // of users
	maxFiles   = 200 // of a directory
)

// unknown notes that a server could not be asked.
func unknown(list *[]answer.Answer, server string, err error) {
	out := answer.New(server, "")
	out.Unknown("%v", err)
	*list = append(*list, out)
}

// samba is a configuration that is asked.
type samba struct {
	global *lineconf.Conf
}

// parameter returns one of Samba's in a share, or what [global] gives as default.
func (s *samba) parameter(share *lineconf.Conf, names ...string) (lineconf.Line, bool) {
	for _, c := range []*lineconf.Conf{share, s.global} {
		var found *lineconf.Line
		for i := range c.Lines {
			if slices.Contains(names, c.Lines[i].Key) {
				found = &c.Lines[i]
			}
		}
		if found != nil {
			return *found, true
		}
	}
	return lineconf.Line{}, false
}

func yes(value string) bool {
	return slices.Contains([]string{"yes", "true", "1", "on"}, strings.ToLower(value))
}

// Samba asks smb.conf and the usershares.
func (a *Answers) Samba(root hostfs.Root, file string) (watch []string, err error) {
	c, err := lineconf.Load(root, file, lineconf.Dialect{Comment: "#;", Assign: "=", Fold: true, Sections: true, Blanks: true, Lower: true, Inherit: true,
		Include: func(l lineconf.Line) []string {
			if l.Key == "include" && !strings.Contains(l.Value, "%") && path.IsAbs(l.Value) {
				return []string{l.Value}
			}
			return nil
		}})
	if err != nil {
		unknown(&a.GuestWrite, "samba", err)
		unknown(&a.GuestRead, "samba", err)
		return c.Watch, err
	}
	s := &samba{global: &lineconf.Conf{}}
	for _, share := range c.Sections() {
		if share.Name == "global" || share.Name == "" {
			s.global.Lines = append(s.global.Lines, share.Lines...)
		}
	}
	a.OldProtocol = append(a.OldProtocol, s.protocol())
	for _, share := range c.Sections() {
		if share.Name == "global" || share.Name == "" || share.Name == "printers" {
			continue
		}
		if len(a.GuestRead) == maxAnswers {
			a.GuestRead, a.GuestWrite = append(a.GuestRead, answer.More("samba")), append(a.GuestWrite, answer.More("samba"))
			break
		}
		read, write := s.guest(share)
		a.GuestRead, a.GuestWrite = append(a.GuestRead, read), append(a.GuestWrite, write)
	}
	watch = append(c.Watch, s.usershares(root, a)...)
	if len(a.GuestRead) == 0 {
		out := answer.New("samba", "")
		out.Say(false, "there are no shares")
		a.GuestRead, a.GuestWrite = []answer.Answer{out}, append(a.GuestWrite, out)
	}
	return watch, nil
}

// protocol asks for the oldest protocol: SMB2_02 since 4.11 where nothing is set.
func (s *samba) protocol() answer.Answer {
	out := answer.New("samba", "")
	out.Public = s.public()
	l, ok := s.parameter(&lineconf.Conf{}, "server min protocol", "min protocol")
	if !ok {
		out.Say(false, "server min protocol is not set: SMB2_02")
		return out
	}
	out.At(l.File, l.Line, l.Raw)
	old := slices.Contains([]string{"CORE", "COREPLUS", "LANMAN1", "LANMAN2", "NT1"}, strings.ToUpper(l.Value))
	out.Say(old, "server min protocol = %s", l.Value)
	return out
}

// public reports whether Samba listens on more than loopback.
func (s *samba) public() bool {
	only, _ := s.parameter(&lineconf.Conf{}, "bind interfaces only")
	interfaces, ok := s.parameter(&lineconf.Conf{}, "interfaces")
	if !yes(only.Value) || !ok {
		return true
	}
	for _, v := range strings.FieldsFunc(interfaces.Value, blank) {
		if n, ok := answer.Network(v); !answer.Loopback(v) && !(ok && n.Addr().IsLoopback()) {
			return true
		}
	}
	return false
}

func blank(r rune) bool { return r == ' ' || r == '\t' || r == ',' }

// guest asks whether guests read, and write, a share.
func (s *samba) guest(share *lineconf.Conf) (read, write answer.Answer) {
	read = answer.New("samba", share.Name)
	read.Public = s.public()
	ok, set := s.parameter(share, "guest ok", "public")
	if !set || !yes(ok.Value) {
		read.At(ok.File, ok.Line, ok.Raw)
		read.Say(false, "guest ok is not set to yes")
		return read, read
	}
	read.At(ok.File, ok.Line, ok.Raw)
	if available, set := s.parameter(share, "available"); set && !yes(available.Value) {
		read.Say(false, "the share is not available")
		return read, read
	}
	if why, l := s.closed(share); why != "" {
		read.At(l.File, l.Line, l.Raw)
		read.Say(false, "guest ok = yes, but %s", why)
		return read, read
	}
	read.Say(read.Public, "guest ok = yes")
	write = read
	write.Places = slices.Clone(read.Places)
	writable, l := s.writable(share)
	write.At(l.File, l.Line, l.Raw)
	if !writable {
		write.Say(false, "guests only read")
	} else {
		write.Say(write.Public, "guest ok = yes, %s", l.Raw)
	}
	return read, write
}

// closed names what keeps guests out of a share for guests.
func (s *samba) closed(share *lineconf.Conf) (string, lineconf.Line) {
	if l, ok := s.parameter(share, "valid users"); ok && l.Value != "" {
		return "valid users = " + l.Value, l
	}
	l, ok := s.parameter(share, "hosts allow", "allow hosts")
	if !ok || l.Value == "" {
		return "", l
	}
	for _, v := range strings.FieldsFunc(l.Value, blank) {
		if n, ok := answer.Network(v); strings.EqualFold(v, "ALL") || ok && answer.Wide(n) {
			return "", l
		}
	}
	return "hosts allow has no strangers in it", l
}

// writable asks for the last of read only and its opposites.
func (s *samba) writable(share *lineconf.Conf) (bool, lineconf.Line) {
	l, ok := s.parameter(share, "read only", "writable", "writeable", "write ok")
	if !ok {
		return false, l
	}
	if l.Key == "read only" {
		return !yes(l.Value), l
	}
	return yes(l.Value), l
}

// usershares asks what users have shared with "net usershare add".
func (s *samba) usershares(root hostfs.Root, a *Answers) []string {
	dir := "/var/lib/samba/usershares"
	if l, ok := s.parameter(&lineconf.Conf{}, "usershare path"); ok {
		dir = l.Value
	}
	guests, _ := s.parameter(&lineconf.Conf{}, "usershare allow guests")
	names, err := root.ReadDir(dir)
	if !yes(guests.Value) || errors.Is(err, fs.ErrNotExist) {
		return []string{dir + "/"}
	}
	if err != nil {
		unknown(&a.GuestRead, "samba", err)
		unknown(&a.GuestWrite, "samba", err)
	}
	if len(names) > maxShares {
		a.GuestRead, a.GuestWrite = append(a.GuestRead, answer.More("samba")), append(a.GuestWrite, answer.More("samba"))
		names = names[:maxShares]
	}
	for _, name := range names {
		c, err := lineconf.Load(root, path.Join(dir, name), lineconf.Dialect{Comment: "#", Assign: "=", Lower: true})
		if err != nil {
			unknown(&a.GuestRead, "samba", err)
			unknown(&a.GuestWrite, "samba", err)
			continue
		}
		read := answer.New("samba", "usershare "+name)
		read.Public = s.public()
		ok, _ := c.Last("guest_ok")
		read.At(ok.File, ok.Line, ok.Raw)
		read.Say(read.Public && (ok.Value == "y" || yes(ok.Value)), "guest_ok=%s", ok.Value)
		write := read
		acl, _ := c.Last("usershare_acl")
		if !strings.Contains(strings.ToUpper(acl.Value), "S-1-1-0:F") {
			write.Say(false, "guests only read")
		} else {
			write.At(acl.File, acl.Line, acl.Raw)
		}
		a.GuestRead, a.GuestWrite = append(a.GuestRead, read), append(a.GuestWrite, write)
	}
	return []string{dir + "/"}
}
