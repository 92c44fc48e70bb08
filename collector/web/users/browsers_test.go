package users_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestBrowsers: the page of one's account lists the browsers in which one is signed in,
// and signs one of them out, but none of another user's.
func TestBrowsers(t *testing.T) {
	idField := regexp.MustCompile(`value="end-one"><input type="hidden" name="id" value="([0-9a-f]+)"`)
	h := open(t)
	one, two, admin := h.browse(t), h.browse(t), h.browse(t)
	if !one.signIn("ann", word) || !two.signIn("ann", word) || !admin.signIn("admin", word) {
		t.Fatal("somebody cannot sign in")
	}
	_, _, page := one.ask(http.MethodGet, "/account", nil)
	ids := idField.FindAllStringSubmatch(page, -1)
	if len(ids) != 2 || strings.Count(page, "this browser") != 1 || strings.Count(page, "Go-http-client") != 2 {
		t.Fatalf("%d browsers: %s", len(ids), page)
	}
	_, _, own := admin.ask(http.MethodGet, "/account", nil)
	other := idField.FindStringSubmatch(own)
	if other == nil {
		t.Fatal("the admin's browser is not listed")
	}
	one.send("/account", "/account", "do", "end-one", "id", other[1])
	if _, at, _ := admin.ask(http.MethodGet, "/account", nil); at != "/account" {
		t.Error("ann has signed the admin out")
	}
	for _, id := range ids { // the second browser, then what is not there any more
		if row := page[strings.Index(page, "Signed-in browsers"):strings.Index(page, id[1])]; strings.Count(row, "this browser") == 0 || strings.LastIndex(row, "this browser") < strings.LastIndex(row, "<tr>") {
			if _, _, after := one.send("/account", "/account", "do", "end-one", "id", id[1]); !strings.Contains(after, "That browser is signed out.") || len(idField.FindAllString(after, -1)) != 1 {
				t.Errorf("after the sign-out: %s", after)
			}
		}
	}
	if _, at, _ := two.ask(http.MethodGet, "/account", nil); at != "/login" {
		t.Error("the other browser is still signed in")
	}
	if _, at, _ := one.ask(http.MethodGet, "/account", nil); at != "/account" {
		t.Error("this browser is signed out, too")
	}
}

// TestOthersBrowsers: an administrator sees in which browsers another user is signed in,
// and signs one of them out; the trail says so. Nobody else does.
func TestOthersBrowsers(t *testing.T) {
	idField := regexp.MustCompile(`value="end-one"><input type="hidden" name="id" value="([0-9a-f]+)"`)
	h := open(t)
	ann, admin := h.browse(t), h.browse(t)
	if !ann.signIn("ann", word) || !admin.signIn("admin", word) {
		t.Fatal("somebody cannot sign in")
	}
	_, _, page := admin.ask(http.MethodGet, "/users/ann", nil)
	id := idField.FindStringSubmatch(page)
	if id == nil || strings.Contains(page, "this browser") {
		t.Fatalf("ann's browser is not listed: %s", page)
	}
	if code, _, _ := ann.ask(http.MethodGet, "/users/ann", nil); code != http.StatusForbidden {
		t.Errorf("ann sees the page: %d", code)
	}
	if _, at, after := admin.send("/users/ann", "/users/ann", "do", "end-one", "id", id[1]); at != "/users/ann" || !strings.Contains(after, "That browser is signed out.") || idField.MatchString(after) {
		t.Errorf("%s: %s", at, after)
	}
	if _, at, _ := ann.ask(http.MethodGet, "/account", nil); at != "/login" {
		t.Error("ann is still signed in")
	}
	if _, _, trail := admin.ask(http.MethodGet, "/trail?action=session", nil); strings.Count(trail, "browser at 127.0.0.1") != 1 {
		t.Errorf("the trail: %s", trail)
	}
}
