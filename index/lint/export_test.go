package lint

// What the tests outside of the package see of it.
const (
	AuditChanged  = auditChanged
	AuditRemoved  = auditRemoved
	AuditReturned = auditReturned
)
