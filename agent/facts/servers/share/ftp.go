package share

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/apacheconf"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// vsftpd's settings of anonymous users that write, besides write_enable.
func anonymousWrites() []string {
	return []string{"anon_upload_enable", "anon_mkdir_write_enable", "anon_other_write_enable"}
}

// Vsftpd asks vsftpd.conf.
func (a *Answers) Vsftpd(root hostfs.Root, file string) (watch []string, err error) {
	c, err := lineconf.Load(root, file, lineconf.Dialect{Comment: "#", Assign: "="})
	if err != nil {
		unknown(&a.FTPAnonymous, "vsftpd", err)
		unknown(&a.FTPWrite, "vsftpd", err)
		return c.Watch, err
	}
	enter, write := answer.New("vsftpd", ""), answer.New("vsftpd", "")
	enter.Public = true
	for _, l := range c.All("listen_address", "listen_address6") {
		enter.Public = !answer.Loopback(l.Value)
	}
	write.Public = enter.Public
	l, set := c.Last("anonymous_enable")
	enter.At(l.File, l.Line, l.Raw)
	if set {
		enter.Say(enter.Public && yes(l.Value), "anonymous_enable=%s", l.Value)
	} else {
		enter.Say(enter.Public, "anonymous_enable is not set: vsftpd lets anonymous users in")
	}
	write.Places = slices.Clone(enter.Places)
	write.Say(false, "anonymous users do not write")
	if enable, _ := c.Last("write_enable"); enter.Allowed && yes(enable.Value) {
		for _, l := range c.All(anonymousWrites()...) {
			if last, _ := c.Last(l.Key); yes(last.Value) && last.Line == l.Line {
				write.At(enable.File, enable.Line, enable.Raw)
				write.At(l.File, l.Line, l.Raw)
				write.Say(true, "%s", l.Raw)
			}
		}
	}
	a.FTPAnonymous, a.FTPWrite = append(a.FTPAnonymous, enter), append(a.FTPWrite, write)
	return c.Watch, nil
}

// ProFTPD asks proftpd.conf, which is written as Apache's configuration is.
func (a *Answers) ProFTPD(root hostfs.Root, file string) (watch []string, err error) {
	tree, err := apacheconf.Load(root, file)
	if err != nil {
		unknown(&a.FTPAnonymous, "proftpd", err)
		unknown(&a.FTPWrite, "proftpd", err)
		return tree.Watch, err
	}
	scopes := []apacheconf.Directive{{Block: tree.Directives}}
	scopes = append(scopes, tree.All("global")...)
	scopes = append(scopes, tree.All("virtualhost")...)
	found := false
	for _, s := range scopes {
		for _, block := range s.All("anonymous") {
			found = true
			enter, write := answer.New("proftpd", strings.Join(block.Args, " ")), answer.New("proftpd", strings.Join(block.Args, " "))
			enter.Public, write.Public = true, true
			enter.At(block.File, block.Line, "<Anonymous "+strings.Join(block.Args, " ")+">")
			write.Places = slices.Clone(enter.Places)
			logins, writes := limits(&block)
			enter.Say(logins != denied, "<Anonymous> lets in without a password")
			write.Say(enter.Allowed && writes != denied, "<Anonymous> without a <Limit WRITE> that denies")
			if !write.Allowed {
				write.Say(false, "<Limit WRITE> denies")
			}
			a.FTPAnonymous, a.FTPWrite = append(a.FTPAnonymous, enter), append(a.FTPWrite, write)
		}
	}
	if !found {
		out := answer.New("proftpd", "")
		out.Say(false, "there is no <Anonymous>")
		a.FTPAnonymous, a.FTPWrite = append(a.FTPAnonymous, out), append(a.FTPWrite, out)
	}
	return tree.Watch, nil
}

// limit is what a <Limit> says of logins or of writing.
type limit int

const (
	unlimited limit = iota
	denied
	granted
)

// limits looks for <Limit> in a block and the directories in it. Where one grants
// writing, some directory takes files.
func limits(block *apacheconf.Directive) (logins, writes limit) {
	for i := range block.Block {
		d := &block.Block[i]
		switch {
		case d.Name == "directory": // the parser bounds how deep
			if _, w := limits(d); w != unlimited && writes != granted {
				writes = w
			}
		case d.Name == "limit":
			says := saysAll(d)
			for _, command := range d.Args {
				switch strings.ToUpper(command) {
				case "LOGIN":
					logins = says
				case "WRITE", "STOR", "ALL":
					if writes != granted && says != unlimited {
						writes = says
					}
				}
			}
		}
	}
	return logins, writes
}

// saysAll is what a <Limit> says to everybody.
func saysAll(d *apacheconf.Directive) limit {
	says := unlimited
	for _, in := range d.Block {
		switch in.Name {
		case "denyall":
			says = denied
		case "allowall":
			says = granted
		}
	}
	return says
}

// PureFTPd asks Debian's directory of settings, or else the one file.
func (a *Answers) PureFTPd(root hostfs.Root, dir, file string) (watch []string, err error) {
	watch = []string{dir + "/", file}
	c := &lineconf.Conf{}
	names, err := root.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if c, err = lineconf.Load(root, file, lineconf.Dialect{Comment: "#"}); err != nil {
			unknown(&a.FTPAnonymous, "pure-ftpd", err)
			unknown(&a.FTPWrite, "pure-ftpd", err)
			return watch, err
		}
	case len(names) > maxFiles:
		err = fmt.Errorf("%s has more files than are read", dir)
	}
	if err != nil {
		unknown(&a.FTPAnonymous, "pure-ftpd", err)
		unknown(&a.FTPWrite, "pure-ftpd", err)
		return watch, err
	}
	for _, name := range names {
		text, err := root.ReadFile(path.Join(dir, name), 4096)
		if err != nil {
			continue // whatever it would allow is not set then
		}
		value := strings.TrimSpace(string(text))
		c.Lines = append(c.Lines, lineconf.Line{Key: name, Value: value, File: path.Join(dir, name), Line: 1, Raw: value})
	}
	enter, write := answer.New("pure-ftpd", ""), answer.New("pure-ftpd", "")
	enter.Public, write.Public = true, true
	no, _ := c.Last("NoAnonymous")
	enter.At(no.File, no.Line, no.Raw)
	switch {
	case yes(no.Value):
		enter.Say(false, "NoAnonymous %s", no.Value)
	case !hasUser(root, "ftp"):
		enter.Say(false, "there is no user ftp")
	default:
		enter.Say(true, "NoAnonymous is not set, and there is a user ftp")
	}
	cannot, _ := c.Last("AnonymousCantUpload")
	write.At(cannot.File, cannot.Line, cannot.Raw)
	write.Say(enter.Allowed && !yes(cannot.Value), "AnonymousCantUpload is not set")
	if !write.Allowed {
		write.Say(false, "anonymous users do not write")
	}
	a.FTPAnonymous, a.FTPWrite = append(a.FTPAnonymous, enter), append(a.FTPWrite, write)
	return watch, nil
}

func hasUser(root hostfs.Root, name string) bool {
	text, err := root.ReadFile("/etc/passwd", 8<<20)
	return err == nil && strings.Contains("\n"+string(text), "\n"+name+":")
}
