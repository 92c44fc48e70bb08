package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"seawall/collector/bootstrap"
	"seawall/collector/web/answer"
	"seawall/collector/web/format"
	"seawall/collector/web/gate"
	"seawall/collector/web/list"
	"seawall/collector/web/page"
)

// lives are how long an invitation may be good for, the usual one first.
func lives() []time.Duration {
	return []time.Duration{time.Hour, 15 * time.Minute, 4 * time.Hour, 24 * time.Hour}
}

// newHostPage asks what host is to be added.
func (s *Server) newHostPage(w http.ResponseWriter, r *http.Request) {
	o := bootstrap.Order{Host: s.config.NewHost(), Format: bootstrap.CloudConfig, Life: lives()[0]}
	o.Host.Family = bootstrap.Debian
	s.join(w, r, http.StatusOK, o, page.Join{})
}

// newHost makes the text for it. It is in the answer and nowhere else.
func (s *Server) newHost(w http.ResponseWriter, r *http.Request) {
	o := s.order(r)
	if err := o.Host.Check(); err != nil {
		s.join(w, r, http.StatusUnprocessableEntity, o, page.Join{Problems: strings.Split(err.Error(), "\n")})
		return
	}
	if s.config.Invite == nil {
		s.join(w, r, http.StatusOK, o, page.Join{Command: o.Command()})
		return
	}
	text, token, err := s.config.Invite(r.Context(), o)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.log.Info("token made on the dashboard", "token", token.ID, "remote", gate.Remote(r))
	s.join(w, r, http.StatusOK, o, page.Join{
		Text: text, Shell: o.Format == bootstrap.Shell, Token: token.ID, Expires: token.Expires, Approval: token.Approval,
	})
}

// order reads the form. What may only be one of a few is one of them.
func (s *Server) order(r *http.Request) bootstrap.Order {
	o := bootstrap.Order{Host: s.config.NewHost(), Format: bootstrap.CloudConfig, Life: lives()[0], Approval: r.PostFormValue("approval") == "yes"}
	o.Host.Family = bootstrap.Family(r.PostFormValue("family"))
	o.Host.Collector = strings.TrimSpace(r.PostFormValue("collector"))
	o.Host.Labels = strings.Fields(r.PostFormValue("labels"))
	if file := strings.TrimSpace(r.PostFormValue("package")); file != "" {
		o.Host.Package, o.Host.Repo, o.Host.Key = file, "", ""
	}
	if r.PostFormValue("format") == string(bootstrap.Shell) {
		o.Format = bootstrap.Shell
	}
	if d, err := time.ParseDuration(r.PostFormValue("life")); err == nil && slices.Contains(lives(), d) {
		o.Life = d
	}
	return o
}

func (s *Server) join(w http.ResponseWriter, r *http.Request, code int, o bootstrap.Order, j page.Join) {
	j.Collector, j.Package, j.Labels = o.Host.Collector, o.Host.Package, strings.Join(o.Host.Labels, " ")
	j.Repo, j.Approval, j.Own = s.config.NewHost().Repo, o.Approval, s.config.Invite == nil
	j.Families = []list.Option{
		{Value: string(bootstrap.Debian), Label: "Debian or Ubuntu", Chosen: o.Host.Family == bootstrap.Debian},
		{Value: string(bootstrap.RHEL), Label: "RHEL, Rocky, Alma or Fedora", Chosen: o.Host.Family == bootstrap.RHEL},
	}
	j.Formats = []list.Option{
		{Value: string(bootstrap.CloudConfig), Label: "as user-data, when it is made", Chosen: o.Format == bootstrap.CloudConfig},
		{Value: string(bootstrap.Shell), Label: "as a script, in a root shell", Chosen: o.Format == bootstrap.Shell},
	}
	now := s.config.Now()
	for _, d := range lives() {
		j.Lives = append(j.Lives, list.Option{Value: d.String(), Label: format.For(now, now.Add(-d)), Chosen: d == o.Life})
	}
	p := page.AddHost(now, j)
	p.Chrome = s.chrome(r)
	body, err := s.pages.Page("join", p)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.HTML(w, code, body)
}
