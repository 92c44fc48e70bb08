package users

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/db"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/collector/web/session"
)

// ownBody is the model of the page of one's own account.
type ownBody struct {
	User    account.User
	Tokens  []apitoken.Token
	Open    []session.Open // sessions
	Here    string         // the one of this page
	Roles   []list.Option  // that a token of the user may have
	Lives   []list.Option
	Problem string
	Text    string // of the token that was just made
	Made    apitoken.Token
}

// lives are for how many days a token may be good, the usual one first.
func lives() []int { return []int{90, 7, 30, 365} }

func (p *Pages) own(w http.ResponseWriter, r *http.Request) {
	p.showOwn(w, r, http.StatusOK, ownBody{})
}

func (p *Pages) showOwn(w http.ResponseWriter, r *http.Request, code int, b ownBody) {
	var err error
	if b.User, err = p.config.Accounts.Get(r.Context(), frame.Of(r).User); err == nil {
		b.Tokens, err = p.config.Tokens.List(r.Context(), b.User.Name)
	}
	if b.Here = frame.Of(r).Session; err == nil && p.config.Sessions != nil {
		b.Open, err = p.config.Sessions(r.Context(), b.User.Name)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	b.Roles = options(account.Viewer)[:1+slices.Index(account.Roles(), b.User.Role)]
	for i, days := range lives() {
		b.Lives = append(b.Lives, list.Option{Value: strconv.Itoa(days), Label: strconv.Itoa(days) + " days", Chosen: i == 0})
	}
	p.frame.ShowCode(w, r, code, p.pages, "account", frame.Page{Title: "Your account", Section: "account", Body: b})
}

// changeOwn does one thing to one's own account.
func (p *Pages) changeOwn(w http.ResponseWriter, r *http.Request) {
	user := frame.Of(r).User
	switch r.PostFormValue("do") {
	case "password":
		p.ownPassword(w, r, user)
	case "token":
		p.ownToken(w, r, user)
	case "revoke":
		if err := p.config.Tokens.Revoke(r.Context(), user, user, r.PostFormValue("id")); err != nil {
			p.frame.Fail(w, r, err)
			return
		}
		p.frame.Redirect(w, r, "/account", "The API token was revoked.")
	case "end-one":
		p.endOne(w, r, user, "/account")
	case "end":
		p.config.EndUser(user)
		p.frame.Redirect(w, r, "/login", "")
	default:
		p.frame.Fail(w, r, fmt.Errorf("what to do: %w", fs.ErrNotExist))
	}
}

// endOne ends one of a user's sessions.
func (p *Pages) endOne(w http.ResponseWriter, r *http.Request, user, back string) {
	if p.config.EndSession == nil {
		p.frame.Fail(w, r, fmt.Errorf("end a session: %w", fs.ErrNotExist))
		return
	}
	if err := p.config.EndSession(trail.As(r.Context(), frame.Of(r).User), user, r.PostFormValue("id")); err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.frame.Redirect(w, r, back, "That browser is signed out.")
}

// ownPassword changes the password of who knows it, and signs the user out everywhere.
func (p *Pages) ownPassword(w http.ResponseWriter, r *http.Request, user string) {
	if wait, ok := p.attempts.AllowName(user); !ok {
		p.showOwn(w, r, http.StatusTooManyRequests, ownBody{Problem: fmt.Sprintf("Too many attempts. Wait %d seconds.", int(wait.Seconds())+1)})
		return
	}
	_, err := p.config.Accounts.SignIn(r.Context(), user, r.PostFormValue("old"))
	if err == nil {
		err = p.config.Accounts.SetPassword(r.Context(), user, user, r.PostFormValue("new"))
	}
	text := problem(err)
	if errors.Is(err, fs.ErrPermission) {
		text = "The old password is not right."
	}
	switch {
	case text != "":
		p.showOwn(w, r, http.StatusUnprocessableEntity, ownBody{Problem: text})
	case err != nil:
		p.frame.Fail(w, r, err)
	default:
		p.config.EndUser(user)
		p.frame.Redirect(w, r, "/login", "")
	}
}

// ownToken makes an API token and shows its text, once.
func (p *Pages) ownToken(w http.ResponseWriter, r *http.Request, user string) {
	days, err := strconv.Atoi(r.PostFormValue("days"))
	if err != nil || !slices.Contains(lives(), days) {
		days = lives()[0]
	}
	text, made, err := p.config.Tokens.Add(r.Context(), user, user, strings.TrimSpace(r.PostFormValue("label")),
		account.Role(r.PostFormValue("role")), frame.Of(r).Scope, time.Duration(days)*24*time.Hour)
	if said := problem(err); said != "" {
		p.showOwn(w, r, http.StatusUnprocessableEntity, ownBody{Problem: said})
		return
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.showOwn(w, r, http.StatusOK, ownBody{Text: text, Made: made})
}

// trailBody is the model of the trail.
type trailBody struct {
	Entries []trail.Entry
	Who     string
	Action  string
	Actions []list.Option
	Newest  string    // address of the first page, on another
	Older   string    // address of the next page, if any
	Checked bool      // whether the trail was verified
	Held    int64     // entries, all of which hold
	Whole   time.Time // when all of them were read; what came since was read now
	Broken  string    // or what is wrong
}

// trailSize is how many entries a page of the trail has.
const trailSize = 100

// trail shows what people did, newest first, and whether that is as it was written.
func (p *Pages) trail(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	b := trailBody{Who: v.Get("who"), Action: v.Get("action")}
	before, err := strconv.ParseInt(v.Get("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	err = p.config.DB.Read(r.Context(), func(q db.Querier) (err error) {
		if b.Entries, err = trail.List(r.Context(), q, trail.Query{Who: b.Who, Action: b.Action, Before: before, Limit: trailSize + 1}); err != nil {
			return err
		}
		if b.Checked = before == 0 && !b.Any(); !b.Checked {
			return nil // it is verified where it begins
		}
		b.Held, err = p.checked.Verify(r.Context(), q, p.frame.Now())
		b.Whole = p.checked.Whole()
		if errors.Is(err, trail.ErrBroken) {
			b.Broken, err = err.Error(), nil
		}
		return err
	})
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	b.pager(before)
	p.frame.Show(w, r, p.pages, "trail", frame.Page{Title: "Audit trail", Section: "trail", Body: b})
}
