package settings

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"seawall/collector/db"
	"seawall/collector/retention"
	"seawall/collector/web/frame"
)

// setRetention keeps kinds for other times from now on. Those that are as they were are
// not set: they go on following the collector's options.
func (s *Pages) setRetention(w http.ResponseWriter, r *http.Request) {
	if !s.all(w, r) {
		return
	}
	all, err := retention.All(r.Context(), s.config.Data, s.config.Days)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	changed, problems := asked(r, all)
	b := body{Periods: all, Problems: problems}
	if len(b.Problems) > 0 {
		s.show(w, r, http.StatusUnprocessableEntity, b)
		return
	}
	now, user := s.frame.Now(), frame.Of(r).User
	err = s.config.Data.Write(r.Context(), func(tx db.Writer) error {
		for _, p := range changed {
			if err := retention.Set(tx, now, user, p.Kind, p.Days); err != nil {
				return err
			}
			if err := record(tx, now, r, "retention set", string(p.Kind), retention.Long(p.Days)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Redirect(w, r, "/settings", done(changed))
}

// asked is what the form asks to keep for other times, which all gets as well, and what
// is wrong with the form.
func asked(r *http.Request, all []retention.Period) (changed []retention.Period, problems []string) {
	for i, p := range all {
		text := strings.TrimSpace(r.PostFormValue(string(p.Kind)))
		days, err := strconv.Atoi(text)
		if err != nil {
			days = -1
		}
		if text == "" || days == p.Days {
			continue
		}
		if problem := retention.Problem(p.Kind, days); problem != "" {
			problems = append(problems, problem)
			continue
		}
		all[i].Days = days
		changed = append(changed, all[i])
	}
	return changed, problems
}

// done says what is kept otherwise from now on.
func done(changed []retention.Period) string {
	if len(changed) == 0 {
		return "Nothing was changed."
	}
	var all []string
	for _, p := range changed {
		all = append(all, fmt.Sprintf("%s %s", p.Kind, retention.Long(p.Days)))
	}
	return "Kept from now on: " + strings.Join(all, ", ") + ". What is older is deleted within minutes."
}
