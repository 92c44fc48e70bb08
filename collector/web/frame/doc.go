// Package frame is what all pages of the dashboard share: the table of routes with
// who may use each, the visitor of a request, the templates around and inside a
// page's content, and the ways to answer.
//
// An area of the dashboard (posture, people, alerts, …) is a package of its own with
// its models, templates and handlers. It is made with a [Frame], and gives its
// [Route]s to package web, which lets nobody through to a handler whose role is below
// the route's, and no POST of a browser without the session's form token. So a handler
// may rely on [Of]: there is a visitor, and it may be here. What it must do itself is
// to stay within the visitor's scope.
//
// An area has its templates parsed once, by [Parse], each page in a file of its own
// that defines "content", and uses those of templates/part.html. A page consists of
// parts, elements with an id and the attribute data-part. A page with [Live] has the
// blocks "live" and "all", its fragments: some of its parts and nothing around them;
// the script puts them in the place of those with the same id. The timeline is a part
// of its own, since its entries also come one by one ([Frame.Row]).
//
// Templates get all text through html/template's escaping; no package below web makes
// markup itself or uses those of html/template's types that switch escaping off.
package frame
