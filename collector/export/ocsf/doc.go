// Package ocsf writes items as events of the Open Cybersecurity Schema Framework,
// version 1.3.0: a result or a change as Compliance Finding (2003), a pending security
// update whose advisories name CVEs as Vulnerability Finding (2002), a detection as
// Detection Finding (2004). All carry the profile "host" (device, actor).
//
// The compliance status is Pass, Fail, or Warning, the schema's word for a check that
// "did not yield a result due to missing information": unknown and error. What is not
// applicable is Other. A waived failure stays a Fail whose finding is Suppressed. A
// result that stands is an event Create; a change is Create where the finding was not
// bad before, Update where it stays bad, Close where it ends. Detections are Create while
// they go on and Close with their last report. The schema's finding_info.uid is the same
// in all of them, so that a reader can put them together. Times are milliseconds since
// 1970. What the schema has no field for stands in "unmapped".
package ocsf
