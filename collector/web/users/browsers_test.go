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
