package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/service"
	"seawall/pkg/redact"
	"seawall/pkg/rsyslogconf"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

const (
	rsyslogConf = "/etc/rsyslog.conf"
	maxListed   = 500 // inputs, forwards, outputs
	maxSelector = 4096
)

// rsyslog reads rsyslogd's configuration.
func (r *reader) rsyslog(s *Rsyslog) {
	s.Installed, s.Service = service.Installed(r.root, "/usr/sbin/rsyslogd", "/sbin/rsyslogd"), r.states[unitRsyslog]
	s.FileModeBits = -1
	r.f.Meta.Depend(rsyslogConf)
	if s.Installed.Known && !s.Installed.Yes {
		s.Reason = "rsyslog is not installed"
		return
	}
	c, err := rsyslogconf.Load(r.root, rsyslogConf)
	if err != nil {
		s.Reason = text.Clean(err.Error(), text.Limit)
		return
	}
	r.f.Meta.Depend(c.Watch...)
	s.Known = true
	w := &rsyslogWalk{s: s, meta: &r.f.Meta, umask: r.unitUmask(), legacyMode: mode{bits: 0o644}, moduleMode: mode{bits: 0o644}}
	w.modules(c.Items)
	for _, it := range c.Items {
		w.item(it)
	}
	if !w.wrote {
		w.wider(w.legacyMode)
	}
}

// unitUmask is the umask that the unit gives rsyslogd.
func (r *reader) unitUmask() int {
	const usual = 0o022
	u, err := unitfile.LoadFiles(r.root, unitRsyslog)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.f.Meta.Leave("rsyslog.file_mode_bits", text.Clean(err.Error(), text.Limit))
		}
		return usual
	}
	if v := u.Values("Service", "UMask"); len(v) > 0 {
		if n, err := strconv.ParseUint(v[len(v)-1].Value, 8, 12); err == nil {
			return int(n)
		}
	}
	return usual
}

// mode is a mode of new files and where it is set.
type mode struct {
	bits int
	at   fact.Text
}

func modeOf(value string, it rsyslogconf.Item) (mode, bool) {
	n, err := strconv.ParseUint(value, 8, 12)
	if err != nil {
		return mode{}, false
	}
	return mode{int(n), place(it, value)}, true
}

// place is where an item stands. Of a value as long as to be cut here only the start is
// ever asked for: the rest is text for people.
func place(it rsyslogconf.Item, value string) fact.Text {
	return fact.Text{Value: text.Clean(value, 256), Set: true, File: text.Clean(it.File, text.Limit), Line: it.Line, Raw: text.Clean(redact.Text(it.Raw), text.Limit)}
}

// rsyslogWalk is what holds at a place of the configuration.
type rsyslogWalk struct {
	s                      *Rsyslog
	meta                   *fact.Meta
	umask                  int
	legacyMode, moduleMode mode
	wrote                  bool
	tls, tcpTLS            bool   // of the sender's and the receiver's driver
	udpAddress             string // of the receivers of old that follow
}

// modules takes in what holds everywhere, wherever it stands.
func (w *rsyslogWalk) modules(items []rsyslogconf.Item) {
	for _, it := range items {
		switch {
		case it.Kind == rsyslogconf.KindUnknown:
			w.s.Known, w.s.Reason = false, text.Clean(it.Value, text.Limit)
		case it.Kind == rsyslogconf.KindObject && it.Name == "module":
			w.module(it)
		case it.Kind == rsyslogconf.KindObject && it.Name == "global":
			w.setUmask(it.Params["umask"])
		case it.Kind != rsyslogconf.KindDirective:
		case it.Name == "umask":
			w.setUmask(it.Value)
		case it.Name == "inputtcpserverstreamdrivermode":
			w.tcpTLS = it.Value == "1"
		case it.Name == "modload":
			w.s.Journal = w.s.Journal || strings.HasPrefix(it.Value, "imjournal")
		}
	}
}

// module is a module that is loaded, with what it sets for all that use it.
func (w *rsyslogWalk) module(it rsyslogconf.Item) {
	switch strings.ToLower(it.Params["load"]) {
	case "imjournal":
		w.s.Journal = true
	case "imtcp":
		w.tcpTLS = on(it.Params["streamdriver.mode"])
	case "builtin:omfile":
		if m, ok := modeOf(it.Params["filecreatemode"], it); ok {
			w.moduleMode = m
		}
	}
}

func (w *rsyslogWalk) setUmask(value string) {
	if n, err := strconv.ParseUint(value, 8, 12); err == nil {
		w.umask = int(n)
	}
}

func on(value string) bool { return value == "1" || strings.EqualFold(value, "on") }

func (w *rsyslogWalk) item(it rsyslogconf.Item) {
	switch it.Kind {
	case rsyslogconf.KindDirective:
		w.directive(it)
	case rsyslogconf.KindRule:
		w.rule(it)
	case rsyslogconf.KindObject:
		switch it.Name {
		case "input":
			w.input(it)
		case "action":
			w.action(it)
		}
	}
}

// directive is one of the language of old: it holds for what follows.
func (w *rsyslogWalk) directive(it rsyslogconf.Item) {
	switch it.Name {
	case "filecreatemode":
		if m, ok := modeOf(it.Value, it); ok {
			w.legacyMode = m
		}
	case "resetconfigvariables":
		w.legacyMode = mode{bits: 0o644}
	case "actionsendstreamdrivermode":
		w.tls = it.Value == "1"
	case "udpserveraddress":
		w.udpAddress = it.Value
	case "udpserverrun":
		w.listen(it, "imudp", it.Value, w.udpAddress, false)
	case "inputtcpserverrun":
		w.listen(it, "imtcp", it.Value, "", w.tcpTLS)
	case "inputptcpserverrun":
		w.listen(it, "imptcp", it.Value, "", false)
	case "inputrelpserverrun":
		w.listen(it, "imrelp", it.Value, "", false)
	case "inputgssserverrun":
		w.listen(it, "imgssapi", it.Value, "", true)
	}
}

// input is an input of RainerScript.
func (w *rsyslogWalk) input(it rsyslogconf.Item) {
	kind := strings.ToLower(it.Params["type"])
	switch kind {
	case "imtcp", "imudp", "imrelp", "imptcp", "imgssapi", "imdtls", "imhttp":
	default:
		return
	}
	if it.Params["path"] != "" {
		return // a socket in the file system
	}
	port := it.Params["port"]
	if port == "" {
		port = it.Params["listenportfilename"]
	}
	tls := on(it.Params["tls"]) || kind == "imdtls" || on(it.Params["streamdriver.mode"]) || kind == "imtcp" && w.tcpTLS && it.Params["streamdriver.mode"] == ""
	address := it.Params["address"]
	if address == "" {
		address = it.Params["ipaddress"]
	}
	w.listen(it, kind, port, address, tls)
}

func (w *rsyslogWalk) listen(it rsyslogconf.Item, module, port, address string, tls bool) {
	if len(w.s.Inputs) == maxListed {
		w.meta.Leave("rsyslog.inputs", "there are more inputs of rsyslog than are looked at")
		return
	}
	at := place(it, port)
	w.s.Inputs = append(w.s.Inputs, Input{Module: module, Port: at.Value, Address: text.Clean(address, 256),
		Local: address != "" && loopback(address), TLS: tls, File: at.File, Line: at.Line, Raw: at.Raw})
}

// loopback reports whether an address or a host's name is this host's own.
func loopback(host string) bool {
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") || strings.EqualFold(host, "localhost.localdomain") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// action is an action of RainerScript.
func (w *rsyslogWalk) action(it rsyslogconf.Item) {
	kind := strings.ToLower(it.Params["type"])
	queue := it.Params["queue.filename"] != "" || it.Params["action.resumeretrycount"] == "-1"
	switch kind {
	case "omfile":
		m := w.moduleMode
		if own, ok := modeOf(it.Params["filecreatemode"], it); ok {
			m = own
		}
		name := it.Params["file"]
		if name == "" {
			name = it.Params["dynafile"]
		}
		w.output(it, name, m)
	case "omfwd":
		protocol := strings.ToLower(it.Params["protocol"])
		if protocol == "" {
			protocol = "udp"
		}
		w.forward(it, it.Params["target"], it.Params["port"], protocol, on(it.Params["streamdrivermode"]), queue)
	case "omrelp":
		w.forward(it, it.Params["target"], it.Params["port"], "relp", on(it.Params["tls"]), queue)
	case "omelasticsearch", "omhttp", "omkafka", "omamqp1", "omrabbitmq", "omhiredis", "omgssapi", "omhdfs", "omazureeventhubs":
		target := it.Params["server"]
		if target == "" {
			target = it.Params["broker"]
		}
		w.forward(it, target, it.Params["serverport"], kind, on(it.Params["usehttps"]) || strings.HasPrefix(target, "https:"), queue)
	}
}

// rule is an action of the language of old.
func (w *rsyslogWalk) rule(it rsyslogconf.Item) {
	action, _, _ := strings.Cut(it.Value, ";")
	switch {
	case strings.HasPrefix(action, "/") || strings.HasPrefix(action, "-/") || strings.HasPrefix(action, "?") || strings.HasPrefix(action, "-?"):
		w.output(it, strings.TrimPrefix(action, "-"), w.legacyMode)
	case strings.HasPrefix(action, "@"):
		kind := "udp"
		if rest, ok := strings.CutPrefix(action, "@@"); ok {
			kind, action = "tcp", "@"+rest
		}
		target := action[1:]
		if strings.HasPrefix(target, "(") {
			_, target, _ = strings.Cut(target, ")")
		}
		host, port := hostPort(target)
		w.forward(it, host, port, kind, w.tls && kind == "tcp", false)
	case strings.HasPrefix(action, ":omrelp:"):
		host, port := hostPort(strings.TrimPrefix(action, ":omrelp:"))
		w.forward(it, host, port, "relp", false, false)
	}
}

func hostPort(target string) (host, port string) {
	if rest, ok := strings.CutPrefix(target, "["); ok {
		host, rest, _ = strings.Cut(rest, "]")
		return host, strings.TrimPrefix(rest, ":")
	}
	host, port, _ = strings.Cut(target, ":")
	return strings.TrimSpace(host), strings.TrimSpace(port)
}

func (w *rsyslogWalk) forward(it rsyslogconf.Item, target, port, kind string, tls, queue bool) {
	if len(w.s.Forwards) == maxListed {
		w.meta.Leave("rsyslog.forwards", "there are more destinations of rsyslog than are looked at")
		return
	}
	at := place(it, redact.Text(target))
	w.s.Forwards = append(w.s.Forwards, Forward{Target: at.Value, Port: text.Clean(port, 16), Kind: kind, TLS: tls, Local: loopback(target),
		Queue: queue, File: at.File, Line: at.Line, Raw: at.Raw})
}

func (w *rsyslogWalk) output(it rsyslogconf.Item, name string, m mode) {
	if strings.HasPrefix(name, "/dev/") {
		return
	}
	w.wrote = true
	w.wider(m)
	if len(w.s.Outputs) == maxListed { // its mode counts all the same
		w.meta.Leave("rsyslog.outputs", "there are more outputs of rsyslog than are looked at")
		return
	}
	at := place(it, name)
	w.s.Outputs = append(w.s.Outputs, Output{Selector: text.Clean(it.Filter, maxSelector), Path: at.Value, File: at.File, Line: at.Line, Raw: at.Raw})
}

// wider keeps the mode that lets in the most.
func (w *rsyslogWalk) wider(m mode) {
	bits := m.bits &^ w.umask
	if w.s.FileModeBits >= 0 && slices.Max([]int{open(bits), open(w.s.FileModeBits)}) == open(w.s.FileModeBits) {
		return
	}
	w.s.FileModeBits = bits
	m.at.Value = fmt.Sprintf("%04o", bits)
	w.s.FileMode = m.at
}

// open ranks a mode by what it gives to others, then to the group.
func open(bits int) int { return bits&0o007<<6 | bits&0o070 | bits>>6&0o007 }
