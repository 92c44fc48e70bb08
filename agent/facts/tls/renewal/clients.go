package renewal

import (
	"path"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

const letsencrypt = "/etc/letsencrypt/renewal/"

func (r *reader) certbot() {
	var all []Lineage
	for _, n := range r.entries(letsencrypt) {
		name, ok := strings.CutSuffix(n, ".conf")
		if !ok {
			continue
		}
		set := r.assignments(letsencrypt + n)
		l := Lineage{Client: certbot, Name: text.Clean(name, maxWord), File: letsencrypt + n,
			Certificate: set["fullchain"].Value, Authenticator: set["authenticator"], Server: set["server"].Value}
		l.Staging = staging(l.Server)
		l.unattended(set["manual_auth_hook"].Value)
		if off := set["autorenew"]; strings.EqualFold(off.Value, "false") {
			l.Unattended = fact.Tri{Known: true, Reason: "autorenew is off"}
			l.Authenticator = off
		}
		all = append(all, l)
	}
	r.client(certbot, letsencrypt, all)
}

func (r *reader) acmeSh() {
	const dir = "/root/.acme.sh/"
	var all []Lineage
	for _, n := range r.entries(dir) {
		stem := strings.TrimSuffix(n, "_ecc")
		file := dir + n + "/" + stem + ".conf"
		set := r.assignments(file)
		if set["Le_Domain"].Value == "" {
			continue
		}
		l := Lineage{Client: acmeSh, Name: text.Clean(n, maxWord), File: file, Certificate: set["Le_RealFullChainPath"].Value,
			Authenticator: set["Le_Webroot"], Server: set["Le_API"].Value}
		if l.Certificate == "" {
			l.Certificate = dir + n + "/fullchain.cer"
		}
		l.Staging = staging(l.Server)
		how := l.Authenticator.Value
		l.Unattended = fact.Tri{Known: how != "", Yes: how != "" && how != "dns", Reason: how}
		if how == "dns" { // without a provider: acme.sh asks for the record by hand
			l.Unattended.Reason = "dns without a provider: each renewal waits for a person"
		}
		all = append(all, l)
	}
	r.client(acmeSh, dir, all)
}

func (r *reader) dehydrated() {
	const dir = "/var/lib/dehydrated/certs/"
	var all []Lineage
	for _, n := range r.entries(dir) {
		file := path.Join(dir, n, "fullchain.pem")
		if _, err := r.root.Lstat(file); err == nil {
			all = append(all, Lineage{Client: dehydrated, Name: text.Clean(n, maxWord), File: "/etc/dehydrated/config", Certificate: file,
				Unattended: fact.Tri{Reason: "dehydrated's settings are not read"}})
		}
	}
	r.client(dehydrated, dir, all)
}

func (r *reader) lego() {
	for _, dir := range []string{"/root/.lego/certificates/", "/var/lib/lego/certificates/", "/etc/lego/certificates/"} {
		var all []Lineage
		for _, n := range r.entries(dir) {
			if name, ok := strings.CutSuffix(n, ".crt"); ok && !strings.HasSuffix(name, ".issuer") {
				all = append(all, Lineage{Client: lego, Name: text.Clean(name, maxWord), File: dir + name + ".json", Certificate: dir + n,
					Unattended: fact.Tri{Reason: "lego's settings are in its command line"}})
			}
		}
		r.client(lego, dir, all)
	}
}
