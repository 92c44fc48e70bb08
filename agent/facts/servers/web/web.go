// Package web answers for web servers: who tells its release, lists directories, shows
// its state, answers TRACE.
//
// nginx: server_tokens, autoindex and stub_status, as blocks inherit them. Apache:
// ServerTokens (of the main server alone), Options with Indexes per directory,
// SetHandler server-status and server-info with what guards them, TraceEnable.
// What an application behind a server does is not looked at.
package web

import (
	"fmt"
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/apacheconf"
	"seawall/pkg/hostfs"
	"seawall/pkg/nginxconf"
)

// Answers are those of web servers.
type Answers struct {
	Tokens []answer.Answer `json:"tokens"` // tells its release
	Index  []answer.Answer `json:"index"`  // lists directories
	Status []answer.Answer `json:"status"` // shows its state
	Trace  []answer.Answer `json:"trace"`  // answers TRACE
}

// first returns an answer that nothing is allowed, as far as was seen.
func first(server, reason string) answer.Answer {
	out := answer.New(server, "")
	out.Public = true
	out.Say(false, "%s", reason)
	return out
}

// Nginx asks nginx.conf.
func (a *Answers) Nginx(root hostfs.Root, file string) (watch []string, err error) {
	tree, err := nginxconf.Load(root, file)
	if err != nil {
		out := answer.New("nginx", "")
		out.Unknown("%v", err)
		a.Tokens, a.Index, a.Status = append(a.Tokens, out), append(a.Index, out), append(a.Status, out)
		return tree.Watch, err
	}
	n := &nginx{tokens: first("nginx", "server_tokens off"), index: first("nginx", "autoindex is off"), status: first("nginx", "no stub_status for strangers")}
	for i := range tree.Directives {
		if d := &tree.Directives[i]; d.Name == "http" {
			n.block([]*nginxconf.Directive{d})
		}
	}
	a.Tokens, a.Index, a.Status = append(a.Tokens, n.tokens), append(a.Index, n.index), append(a.Status, n.status)
	return tree.Watch, nil
}

type nginx struct {
	tokens, index, status answer.Answer
}

// block asks one block and those in it; blocks are from the outermost in.
func (n *nginx) block(blocks []*nginxconf.Directive) {
	in := blocks[len(blocks)-1]
	if in.Name == "server" {
		n.server(blocks)
	}
	for i := range in.Block {
		d := &in.Block[i]
		switch {
		case d.Name == "autoindex" && slices.Equal(d.Args, []string{"on"}) && len(blocks) > 1 && open(blocks):
			n.index.At(d.File, d.Line, "autoindex on")
			n.index.Say(true, "autoindex on in %s", strings.TrimSpace(in.Name+" "+strings.Join(in.Args, " ")))
		case d.Name == "autoindex" && slices.Equal(d.Args, []string{"on"}) && len(blocks) == 1:
			n.index.At(d.File, d.Line, "autoindex on")
			n.index.Say(true, "autoindex on for every server")
		case d.Name == "stub_status" && open(blocks):
			n.status.At(d.File, d.Line, "stub_status")
			n.status.Say(true, "stub_status in %s is for everybody", strings.TrimSpace(in.Name+" "+strings.Join(in.Args, " ")))
		case d.Block != nil: // the parser bounds how deep
			n.block(append(blocks[:len(blocks):len(blocks)], d))
		}
	}
}

// server asks for server_tokens, which is on where nothing sets it.
func (n *nginx) server(blocks []*nginxconf.Directive) {
	set := nginxconf.Inherited("server_tokens", blocks...)
	if len(set) == 0 {
		server := blocks[len(blocks)-1]
		n.tokens.At(server.File, server.Line, "server")
		n.tokens.Say(true, "server_tokens is not set: on")
		return
	}
	if d := set[len(set)-1]; len(d.Args) > 0 && d.Args[0] != "off" && d.Args[0] != "" {
		n.tokens.At(d.File, d.Line, "server_tokens "+d.Args[0])
		n.tokens.Say(true, "server_tokens %s", d.Args[0])
	}
}

// open reports whether strangers are let into the innermost of the blocks.
func open(blocks []*nginxconf.Directive) bool {
	for _, name := range []string{"auth_basic", "auth_request", "auth_jwt"} {
		for _, d := range nginxconf.Inherited(name, blocks...) {
			if len(d.Args) > 0 && d.Args[0] != "off" {
				return false
			}
		}
	}
	if len(blocks[len(blocks)-1].All("internal")) > 0 || private(blocks) {
		return false
	}
	for _, b := range slices.Backward(blocks) { // allow and deny are inherited together
		for _, d := range b.Block {
			if d.Name == "allow" || d.Name == "deny" {
				if n, ok := answer.Network(strings.Join(d.Args, "")); strings.Join(d.Args, "") == "all" || ok && answer.Wide(n) {
					return d.Name == "allow"
				}
			}
		}
	}
	return true
}

// private reports whether the server listens on loopback alone.
func private(blocks []*nginxconf.Directive) bool {
	for _, b := range blocks {
		if b.Name != "server" {
			continue
		}
		listens := b.All("listen")
		for _, l := range listens {
			if len(l.Args) == 0 || !answer.Loopback(answer.Host(l.Args[0])) {
				return false
			}
		}
		return len(listens) > 0
	}
	return false
}

// Apache asks httpd's configuration.
func (a *Answers) Apache(root hostfs.Root, file string) (watch []string, err error) {
	tree, err := apacheconf.Load(root, file)
	if err != nil {
		out := answer.New("apache", "")
		out.Unknown("%v", err)
		for _, list := range []*[]answer.Answer{&a.Tokens, &a.Index, &a.Status, &a.Trace} {
			*list = append(*list, out)
		}
		return tree.Watch, err
	}
	x := &apache{index: first("apache", "no directory has Options Indexes"), status: first("apache", "no server-status or server-info for strangers")}
	x.block(tree.Directives, "the main server")
	loads := func(d apacheconf.Directive) bool { return len(d.Args) > 0 && d.Args[0] == "autoindex_module" }
	if !slices.ContainsFunc(tree.All("loadmodule"), loads) {
		x.index = first("apache", "mod_autoindex is not loaded")
	}
	a.Index, a.Status = append(a.Index, x.index), append(a.Status, x.status)
	a.Tokens = append(a.Tokens, last(tree, "servertokens", "Full", "prod", "productonly"))
	a.Trace = append(a.Trace, last(tree, "traceenable", "On", "off"))
	return tree.Watch, nil
}

// last asks for a directive of the main server, and whether its value is good.
func last(tree *apacheconf.Tree, name, fallback string, good ...string) answer.Answer {
	shown := map[string]string{"servertokens": "ServerTokens", "traceenable": "TraceEnable"}[name]
	out := first("apache", "")
	value := fallback
	for _, d := range tree.All(name) {
		if len(d.Args) > 0 {
			value, out.Places = d.Args[0], nil
			out.At(d.File, d.Line, shown+" "+value)
		}
	}
	set := ""
	if out.Places == nil {
		set = " (not set)"
	}
	out.Say(!slices.Contains(good, strings.ToLower(value)), "%s %s%s", shown, value, set)
	return out
}

type apache struct {
	index, status answer.Answer
}

func (x *apache) block(in []apacheconf.Directive, name string) {
	for i := range in {
		d := &in[i]
		words := strings.ToLower(strings.Join(d.Args, " "))
		switch {
		case d.Name == "options" && slices.ContainsFunc(strings.Fields(words), func(w string) bool { return w == "indexes" || w == "+indexes" || w == "all" }) && !guarded(in):
			x.index.At(d.File, d.Line, "Options "+strings.Join(d.Args, " "))
			x.index.Say(true, "Options %s in %s", strings.Join(d.Args, " "), name)
		case d.Name == "sethandler" && (words == "server-status" || words == "server-info") && !guarded(in):
			x.status.At(d.File, d.Line, "SetHandler "+words)
			x.status.Say(true, "%s in %s is for everybody", words, name)
		case d.Block != nil: // the parser bounds how deep
			x.block(d.Block, fmt.Sprintf("<%s %s>", d.Name, strings.Join(d.Args, " ")))
		}
	}
}

// guarded reports whether a section keeps strangers out itself.
func guarded(in []apacheconf.Directive) bool {
	closed := false
	for _, d := range in {
		words := strings.ToLower(strings.Join(d.Args, " "))
		switch {
		case d.Name == "require":
			n, ok := answer.Network(strings.TrimPrefix(words, "ip "))
			closed = closed || words != "all granted" && !(ok && answer.Wide(n))
		case d.Name == "requireany" || d.Name == "requireall":
			closed = closed || guarded(d.Block)
		case d.Name == "deny" && words == "from all":
			closed = true
		}
	}
	return closed
}
