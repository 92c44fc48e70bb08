// Package live carries what became durable to the pages that are open, as
// server-sent events.
//
// One [Hub] subscribes once to the store's feed, renders each event once and
// hands the bytes to every stream that wants them. The hub never waits for a
// stream: one that does not keep up is told so and ended, and the page loads
// anew what it missed. Streams are bounded in number.
//
// The events of a stream:
//
//	change  id: the event's id; data: {"id", "host", "name", "check", "title",
//	        "status", "row"}; row is the timeline's entry as HTML. One for each
//	        event, at once, in order of id.
//	touch   data: {}; something changed that is no event (a heartbeat, a whole
//	        state, a detection): load the aggregates anew. Sent at once, then at most every
//	        half second.
//	lost    data: {}; events were lost on the way: load everything anew.
//	bye     data: {}; the server ends the stream and will not say why.
//
// A comment every 15 seconds keeps proxies from closing the stream and lets
// either side notice that the other is gone.
//
// A stream may begin with events that the page missed between its rendering and
// its subscription: the caller subscribes first, reads the store then, and hands
// what it found to [Stream]; nothing is sent twice and nothing is left out.
package live
