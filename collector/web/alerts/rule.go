package alerts

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/collector/alert"
	"seawall/collector/alert/rules"
	"seawall/collector/db"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/pkg/finding"
)

// ruleBody is the model of the form of a rule.
type ruleBody struct {
	Rule       alert.Rule
	Path       string
	Problems   []string
	Topics     []list.Option
	Severities []list.Option
	Groups     []list.Option
	Routes     []list.Option
	Families   string
	Checks     string
	Tags       string
	Wait       string
	Every      string
	Quiet      string
	NoRoutes   bool
}

func (p *Pages) newRule(w http.ResponseWriter, r *http.Request) {
	p.form(w, r, http.StatusOK, alert.NewRule(), nil)
}

func (p *Pages) rule(w http.ResponseWriter, r *http.Request) {
	rule, err := p.find(r)
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	p.form(w, r, http.StatusOK, rule, nil)
}

// find returns the rule that a path names.
func (p *Pages) find(r *http.Request) (alert.Rule, error) {
	id, err := ruleID(r)
	if err != nil || id == 0 {
		return alert.Rule{}, fs.ErrNotExist
	}
	return rules.Get(r.Context(), p.Data, id)
}

// form shows a rule's form.
func (p *Pages) form(w http.ResponseWriter, r *http.Request, code int, rule alert.Rule, problems []string) {
	b := ruleBody{Rule: rule, Path: "/alerts/rules/new", Problems: problems, Families: strings.Join(rule.Families, " "),
		Checks: strings.Join(rule.Checks, " "), Tags: strings.Join(rule.Tags, " "),
		Wait: short(rule.Wait), Every: short(rule.Every), Quiet: short(rule.Quiet)}
	title := "New rule"
	if rule.ID != 0 {
		b.Path, title = fmt.Sprintf("/alerts/rules/%d", rule.ID), "Rule"
	}
	for _, t := range alert.Topics() {
		b.Topics = append(b.Topics, list.Option{Value: string(t), Label: t.Words(), Chosen: slices.Contains(rule.Topics, t)})
	}
	for s := finding.SeverityUnknown; s <= finding.SeverityCritical; s++ {
		b.Severities = append(b.Severities, list.Option{Value: strconv.Itoa(int(s)), Label: s.String(), Chosen: s == rule.MinSeverity})
	}
	for _, g := range []struct {
		by    alert.GroupBy
		label string
	}{{alert.ByHost, "what happens on one host"}, {alert.ByCheck, "what happens to one check"}, {alert.ByRule, "everything"}, {alert.BySubject, "each finding alone"}} {
		b.Groups = append(b.Groups, list.Option{Value: string(g.by), Label: g.label, Chosen: g.by == rule.Group})
	}
	known, _ := p.Config.Routes()
	names := slices.Clone(rule.Routes)
	for _, k := range known {
		names = append(names, k.Name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		b.Routes = append(b.Routes, list.Option{Value: name, Label: name, Chosen: slices.Contains(rule.Routes, name)})
	}
	b.NoRoutes = len(b.Routes) == 0
	p.Frame.ShowCode(w, r, code, p.pages, "rule", frame.Page{Title: title, Section: "alerts", Body: b})
}

// short writes a duration without units that are zero.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// read reads the form of a rule, and says which of its fields cannot be read.
func read(r *http.Request) (rule alert.Rule, problems []string) {
	rule = alert.Rule{Name: strings.TrimSpace(r.PostFormValue("name")), Enabled: r.PostFormValue("enabled") == "yes",
		Resolved: r.PostFormValue("resolved") == "yes", Group: alert.GroupBy(r.PostFormValue("group")),
		Families: strings.Fields(r.PostFormValue("families")), Checks: strings.Fields(r.PostFormValue("checks")),
		Tags: strings.Fields(r.PostFormValue("tags")), Routes: r.PostForm["routes"]}
	for _, t := range r.PostForm["topics"] {
		rule.Topics = append(rule.Topics, alert.Topic(t))
	}
	number := func(name string) int {
		n, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue(name)))
		if err != nil || n < 0 {
			problems = append(problems, name+": not a number")
			return 0
		}
		return n
	}
	rule.MinSeverity = finding.Severity(min(number("severity"), 255))
	rule.Hourly = number("hourly")
	for name, to := range map[string]*time.Duration{"wait": &rule.Wait, "every": &rule.Every, "quiet": &rule.Quiet} {
		d, err := time.ParseDuration(strings.TrimSpace(r.PostFormValue(name)))
		if err != nil {
			problems = append(problems, name+": a time such as 30s, 5m or 1h")
		}
		*to = d
	}
	slices.Sort(problems)
	return rule, problems
}

// save writes a rule of a form.
func (p *Pages) save(w http.ResponseWriter, r *http.Request) {
	id, err := ruleID(r)
	if err != nil {
		p.Frame.NotFound(w, r)
		return
	}
	rule, problems := read(r)
	rule.ID = id
	if err := rule.Check(); err != nil {
		problems = append(problems, strings.Split(err.Error(), "\n")...)
	}
	if len(problems) > 0 {
		p.form(w, r, http.StatusUnprocessableEntity, rule, problems)
		return
	}
	action := "rule change"
	if id == 0 {
		action = "rule add"
	}
	detail := fmt.Sprintf("%s to %s, enabled %v", rule.MinSeverity, strings.Join(rule.Routes, ", "), rule.Enabled)
	err = p.record(r.Context(), frame.Of(r).User, action, rule.Name, detail, func(tx db.Writer) error {
		_, err := rules.Save(tx, p.Frame.Now(), rule)
		return err
	})
	switch {
	case errors.Is(err, rules.ErrTaken):
		p.form(w, r, http.StatusUnprocessableEntity, rule, []string{"name: " + err.Error()})
		return
	case err != nil:
		p.Frame.Fail(w, r, err)
		return
	}
	p.Changed()
	p.Frame.Redirect(w, r, "/alerts", "The rule "+rule.Name+" is saved.")
}

// remove deletes a rule.
func (p *Pages) remove(w http.ResponseWriter, r *http.Request) {
	rule, err := p.find(r)
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	err = p.record(r.Context(), frame.Of(r).User, "rule delete", rule.Name, "", func(tx db.Writer) error { return rules.Delete(tx, rule.ID) })
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	p.Changed()
	p.Frame.Redirect(w, r, "/alerts", "The rule "+rule.Name+" is deleted.")
}
