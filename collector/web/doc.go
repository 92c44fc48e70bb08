// Package web is the collector's dashboard: pages rendered on the server, the
// same data as JSON, and a stream of server-sent events that keeps open pages
// current.
//
// # What it serves
//
//	/                      the fleet at a glance
//	/hosts, /hosts/{id}    the hosts, one host
//	/hosts/new             the text with which a machine becomes a host
//	/checks, /checks/{id}  the checks, one check
//	/detections            what rules saw; one of a host at /hosts/{id}/detections/{storm}
//	/api/v1/…              the same as JSON: overview, hosts, requests, checks,
//	                       detections, timeline
//	/events                server-sent events, see package live
//	/account, /users, /trail  one's account and API tokens, who may do what, who did what
//	/login, /logout, /theme
//	/static/…              style sheet, script, icon; named by their content
//	/healthz, /readyz      for probes: a word and a status, nothing else
//	/metrics               Prometheus; from this machine itself or with a session
//
// A page with ?fragment=live answers only those of its parts that change with
// the data, ?fragment=all also its timeline. The script replaces the parts in
// place; without the script every page works and is as old as its loading.
//
// # What it trusts
//
// Nothing that comes from a host or a browser. All text in the data was written
// by hosts, which may be hostile: it reaches a page through html/template only,
// after control and bidirectional characters were made visible (package
// format), under a content security policy that allows no inline script or
// style.
//
// # Who may do what
//
// Every path is a [frame.Route] with the role that it takes: anybody, this machine, or a
// viewer, operator or administrator with a session or an API token (package people).
// testdata/routes.txt is the table that was agreed to; a test holds the server against it.
// Who sees only the hosts with certain tags is refused on every route that does not say
// that it keeps to them ([frame.Route].Scoped).
//
// A request is let through in this order: package gate checks the Host header
// (a page of another site cannot reach us by rebinding its own name) and refuses
// a cross-origin POST; the visitor is looked up; the role and the scope must be enough;
// what is not a GET must carry the token that belongs to its cookie, or come with an API
// token and no cookie. What is refused is logged with who asked.
//
// # What it changes
//
// An operator may invite hosts, with a token that is shown once, and decides about those
// that wait for approval; a collector can be told that the dashboard does neither
// ([Config.Invite], [Config.Decide]). Then, and for hosts in quarantine, the pages show the
// commands that decide, to be given where the collector runs.
//
// The package itself changes nothing but its own sessions; areas that do more are given
// to it ([Config.Areas]). It knows no store: package frame says what pages ask of one,
// and [Feed] what the stream does.
package web
