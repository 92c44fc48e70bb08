package mail

import (
	"strings"
	"testing"

	"seawall/agent/facts/servers/answer"
	"seawall/agent/facts/servers/answertest"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// shown are verdicts, files being named from Postfix's own folder.
func shown(all []answer.Answer) string {
	return strings.ReplaceAll(answertest.Show(all...), "@/etc/postfix", "@")
}

const smtp = "smtp inet n - y - - smtpd\n"

// postfix asks a configuration of main.cf and master.cf.
func postfix(t *testing.T, main, master string) Answers {
	t.Helper()
	var a Answers
	watch, err := a.Postfix(image.Of(t, map[string]string{"/etc/postfix/main.cf": main, "/etc/postfix/master.cf": master}), "/etc/postfix")
	if err != nil || len(watch) != 2 {
		t.Fatalf("%q, %v", watch, err)
	}
	return a
}

// TestAsPostfix: verdicts are those of Postfix itself, which was asked.
func TestAsPostfix(t *testing.T) {
	root, asked := answertest.Asked(t, "testdata/postfix.txtar")
	for _, v := range asked {
		var a Answers
		if _, err := a.Postfix(root, v.Name); err != nil {
			t.Fatal(err)
		}
		open := false // one listener that is open is enough
		for _, o := range a.Relay {
			open = open || !o.Known || o.Allowed
		}
		if open != (v.Says == "open") {
			t.Errorf("%s: Postfix says %s, read %s", v.Name, v.Says, shown(a.Relay))
		}
	}
}

func TestPostfixRelay(t *testing.T) {
	const level, relay, recipient = "compatibility_level = 3.6\n", "smtpd_relay_restrictions = ", "smtpd_recipient_restrictions = "
	for _, tt := range []struct{ main, master, want string }{
		{level, smtp, "postfix: closed: smtpd_relay_restrictions turns strangers away: defer_unauth_destination"},
		{level + "mynetworks = 127.0.0.0/8 10.0.0.0/8 [::1]/128\n", smtp, "postfix: closed"},
		{level + "mynetworks = 127.0.0.0/8 0.0.0.0/0\n", smtp, "postfix: open: no restriction turns a stranger away who sends to others @/main.cf:2"},
		{level + "mynetworks = 198.51.100.0/24, 203.0.113.5\n", smtp, "postfix: closed"},
		{level + "mynetworks = 198.51.100.0/16\n", smtp, "postfix: open"},
		{level + "mynetworks = [::]/0\n", smtp, "postfix: open"},
		{level + "mynetworks_style = subnet\n", smtp, "postfix: open"},
		{"mydestination = a\n", smtp, "postfix: closed: neither smtpd_relay_restrictions nor"}, // before release 2.10
		{recipient + "permit_mynetworks, reject_unauth_destination\n", smtp, "postfix: open"},  // and the neighbours are in mynetworks
		{"compatibility_level = 2\n" + recipient + "permit_mynetworks, reject_unauth_destination\n", smtp, "postfix: closed"},
		{level + relay + "permit_mynetworks, permit\n" + recipient + "permit_mynetworks, reject_unauth_destination\n", smtp, "postfix: closed: smtpd_recipient_restrictions turns strangers away: reject_unauth_destination @/main.cf:2 @/main.cf:3"},
		{level + relay + "permit\n" + recipient + "permit, reject\n", smtp, "postfix: closed: neither"},
		{level + relay + "\n" + recipient + "permit_mynetworks reject\n", smtp, "postfix: closed"},
		{level + "mynetworks = 0.0.0.0/0\n" + relay + "permit_sasl_authenticated, check_client_access hash:/etc/postfix/x\n" + recipient + "permit_mynetworks,reject\n", smtp,
			"postfix: unknown: what smtpd_relay_restrictions: check_client_access hash:/etc/postfix/x says is in no file"},
		{level + relay + "check_client_access hash:/x, reject_unauth_destination\n", smtp, "postfix: closed"},
		{level + relay + "warn_if_reject reject_unauth_destination permit reject\n", smtp, "postfix: closed: neither"},
		{level + relay + "permit reject\nrelay_domains = x\nsmtpd_client_restrictions = permit_mynetworks, reject\n" + recipient + "reject\n", smtp,
			"postfix: closed: smtpd_client_restrictions turns strangers away: reject"},
		{level + "relay_domains = static:all\n", smtp, "postfix: open: mail to any domain is taken: relay_domains = static:all @/main.cf:2"},
		{level + "inet_interfaces = loopback-only\nmynetworks = 0.0.0.0/0\n", smtp, "postfix: closed: it listens on loopback alone @/main.cf:2"},
		{level + "inet_interfaces = 127.0.0.1, [::1]\n", smtp, "postfix: closed: it listens on loopback alone"},
		{level, "127.0.0.1:10025 inet n - y - - smtpd -o mynetworks=0.0.0.0/0\n", "postfix 127.0.0.1:10025: closed: it listens on loopback alone @/master.cf:1"},
		{level, smtp + "2525 inet n - y - - smtpd\n  -o smtpd_relay_restrictions=permit,reject\n",
			"postfix: closed: smtpd_relay_restrictions turns strangers away: defer_unauth_destination\npostfix 2525: closed: neither"},
		{level, smtp + "submission inet n - y - - smtpd\n  -o smtpd_client_restrictions=permit_sasl_authenticated,reject -o mynetworks=0.0.0.0/0\n",
			"postfix: closed: smtpd_relay_restrictions turns strangers away: defer_unauth_destination\npostfix submission: closed: smtpd_client_restrictions"},
		{level, "pickup unix n - y 60 1 pickup\n", "postfix: closed: master.cf has no smtpd that listens"},
		{level + "nets = 10.0.0.0/8 0.0.0.0/0\nmynetworks = $nets\n", smtp, "postfix: open"},
	} {
		a := postfix(t, tt.main, tt.master)
		if got := shown(a.Relay); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s%s\ngot  %s\nwant %s", tt.main, tt.master, got, tt.want)
		}
	}
}

func TestPostfixOthers(t *testing.T) {
	for _, tt := range []struct{ main, public, verify string }{
		{"", "postfix: open: inet_interfaces = all", "postfix: open: disable_vrfy_command = no"},
		{"disable_vrfy_command = yes\ninet_interfaces = 203.0.113.4\n", "postfix: open: inet_interfaces = 203.0.113.4 @/main.cf:2",
			"postfix: closed: disable_vrfy_command = yes @/main.cf:1"},
		{"inet_interfaces = localhost\n", "postfix: closed", "postfix: closed: it listens on loopback alone"},
	} {
		a := postfix(t, tt.main, smtp)
		for got, want := range map[string]string{shown(a.Public): tt.public, shown(a.Verify): tt.verify} {
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s", tt.main, got, want)
			}
		}
	}
	a := postfix(t, "", "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n")
	if len(a.Verify) != 0 || len(a.Relay) != 1 || !strings.HasPrefix(shown(a.Public), "postfix: open") {
		t.Errorf("%+v", a)
	}
}

const (
	debian = "/etc/exim4/update-exim4.conf.conf"
	own    = "/etc/exim/exim.conf"
)

func TestExim(t *testing.T) {
	for _, tt := range []struct{ file, conf, public, relay string }{
		{debian, "dc_local_interfaces='127.0.0.1 ; ::1'\ndc_relay_nets=''\n", "exim: closed: it listens on 127.0.0.1, ::1 @/etc/exim4/update-exim4.conf.conf:1", "exim: closed: it listens on loopback alone"},
		{debian, "dc_local_interfaces=''\ndc_relay_nets=''\n", "exim: open: it listens on every address", "exim: closed: it relays for nobody unknown"},
		{debian, "dc_relay_nets='10.0.0.0/8 ; 192.168.0.0/16'\n", "exim: open", "exim: closed"},
		{debian, "dc_relay_nets='0.0.0.0/0'\n", "exim: open", "exim: open: it relays for 0.0.0.0/0 @/etc/exim4/update-exim4.conf.conf:1"},
		{debian, "dc_relay_nets='10.0.0.0/8:*'\n", "exim: open", "exim: open: it relays for *"},
		{debian, "dc_relay_nets='/etc/exim4/nets'\n", "exim: open", "exim: unknown: what /etc/exim4/nets holds"},
		{debian, "dc_relay_domains='*'\n", "exim: open", "exim: open: it relays to every domain"},
		{debian, "dc_local_interfaces='<; 127.0.0.1 ; 203.0.113.4.587'\n", "exim: open: it listens on 127.0.0.1, 203.0.113.4.587", "exim: closed"},
		{own, "hostlist relay_from_hosts = localhost : 10.0.0.0/8\n", "exim: open: local_interfaces is not set", "exim: closed"},
		{own, "hostlist   relay_from_hosts = <; ::1 ; \\\n 0.0.0.0/0\n", "exim: open", "exim: open: it relays for 0.0.0.0/0 @/etc/exim/exim.conf:1"},
		{own, "local_interfaces = <; 127.0.0.1 ; ::1\n", "exim: closed", "exim: closed: it listens on loopback alone"},
		{own, "acl_smtp_rcpt = x\n", "exim: open", "exim: unknown: hostlist relay_from_hosts is not set"},
		{own, "hostlist relay_from_hosts = localhost\ndomainlist relay_to_domains = *\n", "exim: open", "exim: open: it relays to every domain"},
	} {
		var a Answers
		if _, err := a.Exim(image.Of(t, map[string]string{tt.file: tt.conf}), debian, own); err != nil {
			t.Fatal(err)
		}
		for got, want := range map[string]string{shown(a.Public): tt.public, shown(a.Relay): tt.relay} {
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s", tt.conf, got, want)
			}
		}
	}
}

func TestSendmailAndOpenSMTPD(t *testing.T) {
	type ask func(*Answers, hostfs.Root, string) ([]string, error)
	for _, tt := range []struct {
		ask                 ask
		conf, public, relay string
	}{
		{(*Answers).Sendmail, "O DaemonPortOptions=Port=smtp,Addr=127.0.0.1, Name=MTA\n", "sendmail: closed", "sendmail: closed: it listens on loopback alone"},
		{(*Answers).Sendmail, "O DaemonPortOptions=Name=MTA-v4, Family=inet\n", "sendmail: open: DaemonPortOptions=Name=MTA-v4", "sendmail: closed: no FEATURE"},
		{(*Answers).Sendmail, "#####  $Id: promiscuous_relay.m4,v 8.13 $  #####\n", "sendmail: open: no DaemonPortOptions", "sendmail: open: FEATURE(promiscuous_relay) @/n:1"},
		{(*Answers).Sendmail, "O DaemonPortOptions=Addr=::1\nO DaemonPortOptions=Addr=203.0.113.4\n", "sendmail: open", "sendmail: closed"},
		{(*Answers).OpenSMTPD, "listen on lo\nmatch from any for any action out\n", "opensmtpd: closed", "opensmtpd: closed"},
		{(*Answers).OpenSMTPD, "listen on eth0\nmatch from any for domain example.org action in\nmatch for any action out\n", "opensmtpd: open: it listens on eth0 @/n:1", "opensmtpd: closed: no match"},
		{(*Answers).OpenSMTPD, "listen on 0.0.0.0\nmatch from any for any \\\n action out\n", "opensmtpd: open", "opensmtpd: open: match from any for any action out @/n:2"},
		{(*Answers).OpenSMTPD, "listen on 0.0.0.0\nmatch from any auth for any action out\nmatch from any for any reject\n", "opensmtpd: open", "opensmtpd: closed"},
	} {
		var a Answers
		if _, err := tt.ask(&a, image.Of(t, map[string]string{"/n": tt.conf}), "/n"); err != nil {
			t.Fatal(err)
		}
		for got, want := range map[string]string{shown(a.Public): tt.public, shown(a.Relay): tt.relay} {
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s", tt.conf, got, want)
			}
		}
	}
}

// TestUnread: a configuration that is not there is not known, and not closed.
func TestUnread(t *testing.T) {
	root := image.Of(t, nil)
	for name, ask := range map[string]func(*Answers) ([]string, error){
		"postfix":   func(a *Answers) ([]string, error) { return a.Postfix(root, "/etc/postfix") },
		"exim":      func(a *Answers) ([]string, error) { return a.Exim(root, debian, own) },
		"sendmail":  func(a *Answers) ([]string, error) { return a.Sendmail(root, "/n") },
		"opensmtpd": func(a *Answers) ([]string, error) { return a.OpenSMTPD(root, "/n") },
	} {
		var a Answers
		if _, err := ask(&a); err == nil || len(a.Relay) != 1 || a.Relay[0].Known || a.Relay[0].Name != name {
			t.Errorf("%s: %+v, %v", name, a.Relay, err)
		}
	}
}
