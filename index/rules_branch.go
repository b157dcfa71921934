package index

// What a push may do to a branch. Whether the first two are errors, warnings or
// nothing is the overwrite rule of the branch's environment; the others warn.
const (
	// RuleVersionOverwritten: a version that was released keeps its content.
	RuleVersionOverwritten Rule = "version-overwritten"
	// RuleVersionRemoved: a version that was released is not removed.
	RuleVersionRemoved Rule = "version-removed"
	// RuleVersionHidden (warning): no branch of higher precedence holds the version: nobody would see this one.
	RuleVersionHidden Rule = "version-hidden"
	// RuleVersionTwice (warning): of the branches that are not released, only one holds a version.
	RuleVersionTwice Rule = "version-twice"
	// RuleVersionDowngrade (warning): a version that is added is newer than those that are there.
	RuleVersionDowngrade Rule = "version-downgrade"
	// RuleSettingsDiffer (warning): a branch has no settings of its own that differ from the protected ones.
	RuleSettingsDiffer Rule = "settings-differ"
	// RuleSpecification: a package obeys the package specification, as far as --spec asks for it.
	RuleSpecification Rule = "specification"
)
