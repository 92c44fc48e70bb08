package share

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// NFS asks exports(5): the file and the files *.exports of the directory.
func (a *Answers) NFS(root hostfs.Root, file, dir string) (watch []string, err error) {
	watch = []string{file, dir + "/"}
	files := []string{file}
	names, failed := root.ReadDir(dir)
	switch {
	case errors.Is(failed, fs.ErrNotExist):
		failed = nil
	case failed != nil:
		unknown(&a.ExportWrite, "nfs "+dir, failed)
		unknown(&a.ExportRoot, "nfs "+dir, failed)
	}
	for _, n := range names {
		switch {
		case !strings.HasSuffix(n, ".exports") || strings.HasPrefix(n, "."):
		case len(files) > maxFiles:
			a.more()
		default:
			files = append(files, path.Join(dir, n))
		}
	}
	for i, name := range files {
		c, err := lineconf.Load(root, name, lineconf.Dialect{Comment: "#", Inline: "#", Fold: true})
		if err != nil {
			if root.Exists(name) || i > 0 {
				failed = err
				unknown(&a.ExportWrite, "nfs "+name, err)
				unknown(&a.ExportRoot, "nfs "+name, err)
			}
			continue
		}
		for _, l := range c.Lines {
			a.export(l)
		}
	}
	return watch, failed
}

// export asks one line: a directory and its clients.
func (a *Answers) export(l lineconf.Line) {
	words := lineconf.Words(l.Raw)
	if len(words) == 0 {
		return
	}
	defaults := ""
	clients := words[1:]
	if len(clients) == 0 {
		clients = []string{""} // everybody, by the defaults
	}
	for _, client := range clients {
		if strings.HasPrefix(client, "#") {
			break
		}
		if o, ok := strings.CutPrefix(client, "-"); ok {
			defaults = o
			continue
		}
		if len(a.ExportWrite) >= maxAnswers {
			a.more()
			return
		}
		host, options, _ := strings.Cut(client, "(")
		options = defaults + "," + strings.TrimSuffix(options, ")")
		a.exportTo(l, words[0], host, strings.Split(options, ","))
	}
}

// more says, once, that not all exports are asked.
func (a *Answers) more() {
	if n := len(a.ExportWrite); n == 0 || a.ExportWrite[n-1].Name != answer.More("nfs").Name {
		a.ExportWrite, a.ExportRoot = append(a.ExportWrite, answer.More("nfs")), append(a.ExportRoot, answer.More("nfs"))
	}
}

// rights are what a client may do with an export.
type rights struct{ write, root, kerberos bool }

func exportRights(options []string) (r rights) {
	for _, o := range options {
		switch o = strings.TrimSpace(o); {
		case o == "rw" || o == "ro":
			r.write = o == "rw"
		case o == "no_root_squash":
			r.root = true
		case o == "root_squash" || o == "all_squash":
			r.root = false
		case strings.HasPrefix(o, "sec="):
			r.kerberos = !strings.Contains(o, "sys") && !strings.Contains(o, "none")
		}
	}
	return r
}

func (a *Answers) exportTo(l lineconf.Line, dir, host string, options []string) {
	r := exportRights(options)
	shown := host
	if host == "" || host == "*" {
		shown = "everybody"
	}
	n, ok := answer.Network(host)
	wide := shown == "everybody" || ok && answer.Wide(n)
	write := answer.New("nfs", dir+" for "+shown)
	write.Public = true
	write.At(l.File, l.Line, l.Raw)
	root := write
	switch {
	case !r.write:
		write.Say(false, "read-only")
	case r.kerberos:
		write.Say(false, "writable with Kerberos")
	case wide:
		write.Say(true, "writable for %s", shown)
	default:
		write.Say(false, "writable for %s alone", shown)
	}
	switch {
	case !r.root:
		root.Say(false, "root of a client is nobody here")
	case answer.Loopback(host):
		root.Say(false, "no_root_squash for this host alone")
	default:
		root.Say(true, "no_root_squash: root of %s is root here", shown)
	}
	a.ExportWrite, a.ExportRoot = append(a.ExportWrite, write), append(a.ExportRoot, root)
}

// Rsync asks rsyncd.conf.
func (a *Answers) Rsync(root hostfs.Root, file string) (watch []string, err error) {
	c, err := lineconf.Load(root, file, lineconf.Dialect{Comment: "#;", Assign: "=", Fold: true, Sections: true, Blanks: true, Lower: true,
		Include: func(l lineconf.Line) []string {
			switch strings.Fields(l.Raw + " x")[0] {
			case "&include":
				return []string{path.Join(strings.TrimSpace(strings.TrimPrefix(l.Raw, "&include")), "*.inc")}
			case "&merge":
				return []string{strings.TrimSpace(strings.TrimPrefix(l.Raw, "&merge"))}
			}
			return nil
		}})
	if err != nil {
		unknown(&a.RsyncWrite, "rsync", err)
		return c.Watch, err
	}
	global := &lineconf.Conf{}
	for _, m := range c.Sections() {
		if m.Name == "" || m.Name == "global" {
			global.Lines = append(global.Lines, m.Lines...)
			continue
		}
		if len(a.RsyncWrite) == maxAnswers {
			a.RsyncWrite = append(a.RsyncWrite, answer.More("rsync"))
			break
		}
		a.RsyncWrite = append(a.RsyncWrite, rsyncModule(m, global))
	}
	if len(a.RsyncWrite) == 0 {
		out := answer.New("rsync", "")
		out.Say(false, "there are no modules")
		a.RsyncWrite = append(a.RsyncWrite, out)
	}
	return c.Watch, nil
}

func rsyncModule(m, global *lineconf.Conf) answer.Answer {
	get := func(name string) (lineconf.Line, bool) {
		if l, ok := m.Last(name); ok {
			return l, true
		}
		return global.Last(name)
	}
	out := answer.New("rsync", m.Name)
	address, set := get("address")
	out.Public = !set || !answer.Loopback(address.Value)
	readOnly, set := get("read only")
	out.At(readOnly.File, readOnly.Line, readOnly.Raw)
	if !set || yes(readOnly.Value) {
		out.Say(false, "read only")
		return out
	}
	if users, _ := get("auth users"); users.Value != "" {
		out.At(users.File, users.Line, users.Raw)
		out.Say(false, "auth users have passwords")
		return out
	}
	if hosts, _ := get("hosts allow"); hosts.Value != "" {
		out.At(hosts.File, hosts.Line, hosts.Raw)
		for _, h := range strings.FieldsFunc(hosts.Value, blank) {
			if n, ok := answer.Network(h); h == "*" || ok && answer.Wide(n) {
				out.Say(out.Public, "read only = %s, without auth users, hosts allow %s", readOnly.Value, h)
				return out
			}
		}
		out.Say(false, "hosts allow has no strangers in it")
		return out
	}
	out.Say(out.Public, "read only = %s, without auth users or hosts allow", readOnly.Value)
	return out
}

// TFTP asks the options of in.tftpd: Debian's file, or the unit's command line.
func (a *Answers) TFTP(root hostfs.Root, file, unit string) (watch []string, err error) {
	watch = []string{file, unit}
	out := answer.New("tftpd", "")
	out.Public = true
	d := lineconf.Dialect{Comment: "#;", Assign: "="}
	c, err := lineconf.Load(root, file, d)
	key := "TFTP_OPTIONS"
	if err != nil {
		if c, err = lineconf.Load(root, unit, d); err != nil {
			unknown(&a.TFTPWrite, "tftpd", err)
			return watch, err
		}
		key = "ExecStart"
	}
	if l, ok := c.Last("TFTP_ADDRESS"); ok {
		out.Public = !answer.Loopback(answer.Host(strings.Join(l.Args, "")))
	}
	out.Say(false, "strangers create no files")
	if l, ok := c.Last(key); ok {
		out.At(l.File, l.Line, l.Raw)
		for _, w := range lineconf.Words(strings.Join(l.Args, " ")) {
			short := strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "c")
			if w == "--create" || short {
				out.Say(out.Public, "%s lets strangers create files", w)
			}
		}
	}
	a.TFTPWrite = append(a.TFTPWrite, out)
	return watch, nil
}
