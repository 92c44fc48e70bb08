package share

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"seawall/agent/facts/servers/answer"
	"seawall/agent/facts/servers/answertest"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// TestAsSamba: shares are judged as by what testparm makes of them.
func TestAsSamba(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/samba.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files["/etc/samba/"+f.Name] = string(f.Data)
	}
	root := image.Of(t, files)
	verdicts := func(name string) []string {
		var a Answers
		if _, err := a.Samba(root, name); err != nil {
			t.Fatal(err)
		}
		var all []string
		for kind, list := range map[string][]answer.Answer{"read": a.GuestRead, "write": a.GuestWrite, "old": a.OldProtocol} {
			for _, o := range list {
				all = append(all, fmt.Sprint(kind, " ", o.Name, " ", o.Known, " ", o.Allowed))
			}
		}
		slices.Sort(all)
		return all
	}
	read := verdicts("/etc/samba/smb.conf")
	if diff := cmp.Diff(verdicts("/etc/samba/dump"), read); diff != "" {
		t.Errorf("- testparm, + read:\n%s", diff)
	}
	var open []string
	for _, v := range read {
		if v, ok := strings.CutSuffix(v, " true true"); ok {
			open = append(open, v)
		}
	}
	want := []string{"old samba", "read samba drop", "read samba extra", "read samba later", "read samba open", "read samba public files",
		"write samba drop", "write samba later", "write samba open"}
	if diff := cmp.Diff(want, open); diff != "" {
		t.Error(diff)
	}
}

func TestSamba(t *testing.T) {
	for _, tt := range []struct{ conf, read, write, old string }{
		{"[global]\nworkgroup = x\n", "samba: closed: there are no shares", "samba: closed", "samba: closed: server min protocol is not set"},
		{"[global]\nwritable = yes\n[a]\nguest ok = yes\n", "samba a: open: guest ok = yes @/n:4", "samba a: open: guest ok = yes, writable = yes @/n:4 @/n:2", "samba: closed"},
		{"[global]\ninterfaces = lo\nbind interfaces only = yes\n[a]\nguest ok = yes\nread only = no\n", "samba a: closed", "samba a: closed", "samba: closed"},
		{"[global]\ninterfaces = lo 127.0.0.0/8 eth0\nbind interfaces only = yes\n[a]\nguest ok = yes\nread only = no\n", "samba a: open", "samba a: open", "samba: closed"},
		{"[a]\nguest ok = yes\nhosts allow = 192.168. 127.\n", "samba a: closed: guest ok = yes, but hosts allow has no strangers in it @/n:2 @/n:3", "samba a: closed", "samba: closed"},
		{"[global]\nserver min protocol = lanman1\n", "samba: closed", "samba: closed", "samba: open: server min protocol = lanman1 @/n:2"},
		{"[global]\nmin protocol = SMB3\n", "samba: closed", "samba: closed", "samba: closed: server min protocol = SMB3"},
		{"[printers]\nguest ok = yes\n", "samba: closed: there are no shares", "samba: closed", "samba: closed"},
		{"[global]\nusershare allow guests = yes\n", "samba usershare inbox: open: guest_ok=y", "samba usershare inbox: open", "samba: closed"},
	} {
		var a Answers
		root := image.Of(t, map[string]string{"/n": tt.conf, "/var/lib/samba/usershares/inbox": "#VERSION 2\npath=/srv\nusershare_acl=S-1-1-0:F,\nguest_ok=y\n"})
		watch, err := a.Samba(root, "/n")
		if err != nil || !slices.Contains(watch, "/var/lib/samba/usershares/") {
			t.Errorf("%q, %v", watch, err)
		}
		for got, want := range map[string]string{answertest.Show(a.GuestRead...): tt.read, answertest.Show(a.GuestWrite...): tt.write, answertest.Show(a.OldProtocol...): tt.old} {
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s", tt.conf, got, want)
			}
		}
	}
}

func TestVsftpd(t *testing.T) {
	for _, tt := range []struct{ conf, enter, write string }{
		{"listen=YES\n", "vsftpd: open: anonymous_enable is not set", "vsftpd: closed: anonymous users do not write"},
		{"anonymous_enable=NO\nwrite_enable=YES\nanon_upload_enable=YES\n", "vsftpd: closed: anonymous_enable=NO @/n:1", "vsftpd: closed"},
		{"anonymous_enable=YES\nwrite_enable=YES\nanon_upload_enable=YES\n", "vsftpd: open: anonymous_enable=YES @/n:1", "vsftpd: open: anon_upload_enable=YES @/n:1 @/n:2 @/n:3"},
		{"anonymous_enable=YES\nanon_upload_enable=YES\n", "vsftpd: open", "vsftpd: closed"},
		{"anonymous_enable=YES\nwrite_enable=YES\nanon_mkdir_write_enable=YES\nanon_mkdir_write_enable=NO\n", "vsftpd: open", "vsftpd: closed"},
		{"anonymous_enable=NO\nanonymous_enable=YES\nlisten_address=127.0.0.1\n", "vsftpd: closed", "vsftpd: closed"},
	} {
		var a Answers
		if _, err := a.Vsftpd(image.Of(t, map[string]string{"/n": tt.conf}), "/n"); err != nil {
			t.Fatal(err)
		}
		two(t, tt.conf, &a, tt.enter, tt.write)
	}
}

func two(t *testing.T, conf string, a *Answers, enter, write string) {
	t.Helper()
	for got, want := range map[string]string{answertest.Show(a.FTPAnonymous...): enter, answertest.Show(a.FTPWrite...): write} {
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", conf, got, want)
		}
	}
}

func TestProFTPD(t *testing.T) {
	for _, tt := range []struct{ conf, enter, write string }{
		{"ServerName x\n", "proftpd: closed: there is no <Anonymous>", "proftpd: closed"},
		{"<Anonymous ~ftp>\nUser ftp\n</Anonymous>\n", "proftpd ~ftp: open: <Anonymous> lets in without a password @/n:1", "proftpd ~ftp: open: <Anonymous> without a <Limit WRITE>"},
		{"<Anonymous ~ftp>\n<Limit WRITE>\nDenyAll\n</Limit>\n</Anonymous>\n", "proftpd ~ftp: open", "proftpd ~ftp: closed: <Limit WRITE> denies"},
		{"<Anonymous ~ftp>\n<Directory *>\n<Limit WRITE>\nDenyAll\n</Limit>\n</Directory>\n</Anonymous>\n", "proftpd ~ftp: open", "proftpd ~ftp: closed"},
		{"<Anonymous ~ftp>\n<Limit WRITE>\nDenyAll\n</Limit>\n<Directory incoming>\n<Limit STOR>\nAllowAll\n</Limit>\n</Directory>\n</Anonymous>\n", "proftpd ~ftp: open", "proftpd ~ftp: open"},
		{"<VirtualHost 203.0.113.1>\n<Anonymous /srv>\n<Limit LOGIN>\nDenyAll\n</Limit>\n</Anonymous>\n</VirtualHost>\n", "proftpd /srv: closed", "proftpd /srv: closed"},
	} {
		var a Answers
		if _, err := a.ProFTPD(image.Of(t, map[string]string{"/n": tt.conf}), "/n"); err != nil {
			t.Fatal(err)
		}
		two(t, tt.conf, &a, tt.enter, tt.write)
	}
}

func TestPureFTPd(t *testing.T) {
	const dir, file = "/etc/pure-ftpd/conf", "/etc/pure-ftpd/pure-ftpd.conf"
	user := "root:x:0:0::/:/bin/sh\nftp:x:14:50::/srv/ftp:/sbin/nologin\n"
	for _, tt := range []struct {
		files        map[string]string
		enter, write string
	}{
		{map[string]string{dir + "/NoAnonymous": "yes\n", "/etc/passwd": user}, "pure-ftpd: closed: NoAnonymous yes @/etc/pure-ftpd/conf/NoAnonymous:1", "pure-ftpd: closed"},
		{map[string]string{dir + "/NoAnonymous": "no\n", "/etc/passwd": user}, "pure-ftpd: open", "pure-ftpd: open: AnonymousCantUpload is not set"},
		{map[string]string{dir + "/NoAnonymous": "no\n", dir + "/AnonymousCantUpload": "yes", "/etc/passwd": user}, "pure-ftpd: open", "pure-ftpd: closed"},
		{map[string]string{dir + "/PAMAuthentication": "yes\n", "/etc/passwd": "root:x:0:0::/:/bin/sh\n"}, "pure-ftpd: closed: there is no user ftp", "pure-ftpd: closed"},
		{map[string]string{file: "# x\nNoAnonymous yes\n", "/etc/passwd": user}, "pure-ftpd: closed: NoAnonymous yes @/etc/pure-ftpd/pure-ftpd.conf:2", "pure-ftpd: closed"},
		{map[string]string{file: "AnonymousCantUpload yes\n", "/etc/passwd": user}, "pure-ftpd: open", "pure-ftpd: closed"},
	} {
		var a Answers
		if _, err := a.PureFTPd(image.Of(t, tt.files), dir, file); err != nil {
			t.Fatal(err)
		}
		two(t, fmt.Sprint(tt.files), &a, tt.enter, tt.write)
	}
}

func TestNFS(t *testing.T) {
	for _, tt := range []struct{ exports, write, root string }{
		{"/srv 192.0.2.10(rw,sync)\n", "nfs /srv for 192.0.2.10: closed: writable for 192.0.2.10 alone @/etc/exports:1", "nfs /srv for 192.0.2.10: closed"},
		{"/srv *(rw)\n", "nfs /srv for everybody: open: writable for everybody @/etc/exports:1", "nfs /srv for everybody: closed"},
		{"/srv *(ro)\n", "nfs /srv for everybody: closed: read-only", "nfs /srv for everybody: closed"},
		{"/srv 192.0.2.10 (rw)\n", "nfs /srv for 192.0.2.10: closed: read-only @/etc/exports:1\nnfs /srv for everybody: open", "nfs /srv for 192.0.2.10: closed"},
		{"/srv 0.0.0.0/0(rw,sec=krb5p)\n", "nfs /srv for 0.0.0.0/0: closed: writable with Kerberos", "nfs /srv for 0.0.0.0/0: closed"},
		{"/srv 0.0.0.0/0(rw,sec=krb5:sys)\n", "nfs /srv for 0.0.0.0/0: open", "nfs /srv for 0.0.0.0/0: closed"},
		{"/srv 198.0.0.0/255.0.0.0(rw)\n", "nfs /srv for 198.0.0.0/255.0.0.0: open", "nfs /srv for 198.0.0.0/255.0.0.0: closed"},
		{"/srv -rw,no_root_squash 10.0.0.1 10.0.0.2(root_squash)\n", "nfs /srv for 10.0.0.1: closed: writable for 10.0.0.1 alone", "nfs /srv for 10.0.0.1: open: no_root_squash: root of 10.0.0.1 is root here @/etc/exports:1\nnfs /srv for 10.0.0.2: closed"},
		{"\"/srv/a b\" @group(rw) # all\n", "nfs /srv/a b for @group: closed: writable for @group alone", "nfs /srv/a b for @group: closed"},
		{"/srv \\\n  10.0.0.1(ro) \\\n  *(rw,all_squash)\n", "nfs /srv for 10.0.0.1: closed: read-only @/etc/exports:1\nnfs /srv for everybody: open", "nfs /srv for 10.0.0.1: closed"},
		{"/srv localhost(rw,no_root_squash)\n", "nfs /srv for localhost: closed", "nfs /srv for localhost: closed: no_root_squash for this host alone"},
		{"# nothing\n", "", ""},
	} {
		var a Answers
		if _, err := a.NFS(image.Of(t, map[string]string{"/etc/exports": tt.exports}), "/etc/exports", "/etc/exports.d"); err != nil {
			t.Fatal(err)
		}
		for got, want := range map[string]string{answertest.Show(a.ExportWrite...): tt.write, answertest.Show(a.ExportRoot...): tt.root} {
			if !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("%s\ngot  %s\nwant %s", tt.exports, got, want)
			}
		}
	}
	var a Answers
	_, err := a.NFS(image.Of(t, map[string]string{"/etc/exports.d/a.exports": "/a *(rw)\n", "/etc/exports.d/b": "/b *(rw)\n"}), "/etc/exports", "/etc/exports.d")
	if got := answertest.Show(a.ExportWrite...); err != nil || got != "nfs /a for everybody: open: writable for everybody @/etc/exports.d/a.exports:1" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestRsyncAndTFTP(t *testing.T) {
	type ask func(*Answers, hostfs.Root) ([]string, error)
	rsync := func(a *Answers, r hostfs.Root) ([]string, error) { return a.Rsync(r, "/n") }
	tftp := func(a *Answers, r hostfs.Root) ([]string, error) { return a.TFTP(r, "/n", "/unit") }
	for _, tt := range []struct {
		ask        ask
		conf, want string
	}{
		{rsync, "uid = nobody\n[pub]\npath = /srv\n", "rsync pub: closed: read only"},
		{rsync, "[pub]\npath = /srv\nread only = no\n", "rsync pub: open: read only = no, without auth users or hosts allow @/n:3"},
		{rsync, "read only = false\n[pub]\npath = /srv\n[doc]\nread only = true\n", "rsync pub: open: read only = false, without auth users or hosts allow @/n:1\nrsync doc: closed"},
		{rsync, "[pub]\nread only = no\nauth users = ann\n", "rsync pub: closed: auth users have passwords"},
		{rsync, "[pub]\nRead Only = no\nhosts allow = 10.0.0.0/8\n", "rsync pub: closed: hosts allow"},
		{rsync, "[pub]\nread only = no\nhosts allow = 10.0.0.1, *\n", "rsync pub: open: read only = no, without auth users, hosts allow *"},
		{rsync, "address = 127.0.0.1\n[pub]\nread only = no\n", "rsync pub: closed"},
		{rsync, "# none\n", "rsync: closed: there are no modules"},
		{rsync, "&include /more.d\n", "rsync x: open"},
		{tftp, "TFTP_OPTIONS=\"--secure\"\n", "tftpd: closed: strangers create no files @/n:1"},
		{tftp, "TFTP_OPTIONS=\"--secure --create\"\n", "tftpd: open: --create lets strangers create files @/n:1"},
		{tftp, "TFTP_ADDRESS=\":69\"\nTFTP_OPTIONS=\"-s -cv\"\n", "tftpd: open: -cv"},
		{tftp, "TFTP_ADDRESS=\"127.0.0.1:69\"\nTFTP_OPTIONS=\"-c\"\n", "tftpd: closed"},
	} {
		var a Answers
		root := image.Of(t, map[string]string{"/n": tt.conf, "/more.d/a.inc": "[x]\nread only = no\n"})
		_, err := tt.ask(&a, root)
		if got := answertest.Show(append(a.RsyncWrite, a.TFTPWrite...)...); err != nil || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s\ngot  %s, %v\nwant %s", tt.conf, got, err, tt.want)
		}
	}
	var a Answers
	root := image.Of(t, map[string]string{"/unit": "[Service]\nExecStart=/usr/sbin/in.tftpd -c -s /srv\n"})
	if _, err := a.TFTP(root, "/n", "/unit"); err != nil || !strings.HasPrefix(answertest.Show(a.TFTPWrite...), "tftpd: open: -c lets") {
		t.Errorf("%s, %v", answertest.Show(a.TFTPWrite...), err)
	}
}

// TestUnread: a configuration that is not there is not known, and not closed.
// TestBounds: of what is not asked nothing is known.
func TestBounds(t *testing.T) {
	lines := func(line string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, line, i)
		}
		return b.String()
	}
	many := func(name string, n int) map[string]string {
		files := map[string]string{}
		for i := range n {
			files[fmt.Sprintf(name, i)] = ""
		}
		return files
	}
	for name, tt := range map[string]struct {
		most int
		ask  func(n int, a *Answers) error
	}{
		"shares": {maxAnswers, func(n int, a *Answers) error {
			_, err := a.Samba(image.Of(t, map[string]string{"/n": lines("[s%d]\npath = /x\n", n)}), "/n")
			return err
		}},
		"shares of users": {maxShares, func(n int, a *Answers) error {
			files := many("/var/lib/samba/usershares/%d", n)
			files["/n"] = "[global]\nusershare allow guests = yes\n"
			_, err := a.Samba(image.Of(t, files), "/n")
			return err
		}},
		"exports": {maxAnswers, func(n int, a *Answers) error {
			_, err := a.NFS(image.Of(t, map[string]string{"/n": lines("/e%d 10.0.0.1(ro)\n", n)}), "/n", "/d")
			return err
		}},
		"files of exports": {maxFiles, func(n int, a *Answers) error {
			files := many("/d/%d.exports", n)
			files["/n"] = "/e 10.0.0.1(ro)\n"
			_, err := a.NFS(image.Of(t, files), "/n", "/d")
			return err
		}},
		"modules": {maxAnswers, func(n int, a *Answers) error {
			_, err := a.Rsync(image.Of(t, map[string]string{"/n": lines("[m%d]\nread only = yes\n", n)}), "/n")
			return err
		}},
	} {
		for more := range 2 {
			var a Answers
			if err := tt.ask(tt.most+more, &a); err != nil {
				t.Fatal(err)
			}
			unknown := 0
			for _, list := range [][]answer.Answer{a.GuestRead, a.ExportWrite, a.RsyncWrite} {
				for _, one := range list {
					if !one.Known {
						unknown++
					}
				}
			}
			if unknown != more {
				t.Errorf("%s, %d more: %d are unknown", name, more, unknown)
			}
		}
	}
	for more := range 2 {
		var a Answers
		if _, err := a.PureFTPd(image.Of(t, many("/d/%d", maxFiles+more)), "/d", "/f"); (err != nil) != (more > 0) || a.FTPWrite[0].Known != (more == 0) {
			t.Errorf("settings, %d more: %+v, %v", more, a.FTPWrite, err)
		}
	}
}

func TestUnread(t *testing.T) {
	root := image.Of(t, nil)
	for name, ask := range map[string]func(*Answers) ([]string, error){
		"samba":     func(a *Answers) ([]string, error) { return a.Samba(root, "/n") },
		"vsftpd":    func(a *Answers) ([]string, error) { return a.Vsftpd(root, "/n") },
		"proftpd":   func(a *Answers) ([]string, error) { return a.ProFTPD(root, "/n") },
		"pure-ftpd": func(a *Answers) ([]string, error) { return a.PureFTPd(root, "/n", "/m") },
		"rsync":     func(a *Answers) ([]string, error) { return a.Rsync(root, "/n") },
		"tftpd":     func(a *Answers) ([]string, error) { return a.TFTP(root, "/n", "/m") },
	} {
		var a Answers
		_, err := ask(&a)
		got := answertest.Show(slices.Concat(a.GuestWrite, a.FTPWrite, a.RsyncWrite, a.TFTPWrite)...)
		if err == nil || !strings.HasPrefix(got, name+": unknown: ") {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}
