package index

// What a package must obey to be served. A finding fails the build of every
// environment that holds the package, unless the rule says that it only warns.
const (
	// RuleManifestMissing: a package has a manifest.yml at its root.
	RuleManifestMissing Rule = "manifest-missing"
	// RuleManifestSyntax: a manifest is YAML, a mapping, and its values are of the kinds that the format wants.
	RuleManifestSyntax Rule = "manifest-syntax"
	// RuleFileUnreadable: the content of each file that describes the package can be read from the source.
	RuleFileUnreadable Rule = "file-unreadable"
	// RuleFileTooLarge: a file that regsnap parses is at most MaxParsedBytes long.
	RuleFileTooLarge Rule = "file-too-large"

	// RuleFormatVersion: format_version is there and a strict semantic version.
	RuleFormatVersion Rule = "format-version"
	// RuleVersionSyntax: version is a strict semantic version.
	RuleVersionSyntax Rule = "version-syntax"
	// RuleVersionDirectory: version is the name of the package's directory.
	RuleVersionDirectory Rule = "version-directory"
	// RuleNameDirectory: name is the name of the directory that holds the versions.
	RuleNameDirectory Rule = "name-directory"
	// RuleTitleMissing: a package has a title.
	RuleTitleMissing Rule = "title-missing"
	// RuleDescriptionMissing: a package has a description.
	RuleDescriptionMissing Rule = "description-missing"
	// RuleReleaseUnknown: release is experimental, beta or ga, if it is given.
	RuleReleaseUnknown Rule = "release-unknown"
	// RuleKibanaConstraint: conditions.kibana.version is a version constraint.
	RuleKibanaConstraint Rule = "kibana-constraint"
	// RuleAgentConstraint: conditions.agent.version is a version constraint.
	RuleAgentConstraint Rule = "agent-constraint"
	// RuleCategoryUnknown (warning): a category is one that the registry knows; others are dropped.
	RuleCategoryUnknown Rule = "category-unknown"
	// RuleDiscoveryName: each entry of discovery has a name.
	RuleDiscoveryName Rule = "discovery-name"
	// RulePolicyTemplate: a policy template has a name, a title and a description.
	RulePolicyTemplate Rule = "policy-template"
	// RuleInputAmbiguous: an input or stream names either its type or a package, not both.
	RuleInputAmbiguous Rule = "input-ambiguous"
	// RuleRequires: each package that a package requires is named with its versions.
	RuleRequires Rule = "requires-incomplete"
	// RuleOwnerMissing (warning): the manifest says who owns the package. Kibana does not install one without; lint
	// refuses it in versions that are new.
	RuleOwnerMissing Rule = "owner-missing"
	// RuleAgentlessRelease: the release of the agentless deployment mode is beta or ga, if it is given.
	RuleAgentlessRelease Rule = "agentless-release"

	// RuleImageMissing: icons and screenshots are files of the package (a warning for those of a policy template).
	RuleImageMissing Rule = "image-missing"
	// RuleReadmeMissing: a package has a docs/README.md.
	RuleReadmeMissing Rule = "readme-missing"
	// RuleDirectoryName: no directory of a package has a hyphen in its name.
	RuleDirectoryName Rule = "directory-name"

	// RuleDataStreamManifest: each directory in data_stream/ has a manifest.yml.
	RuleDataStreamManifest Rule = "data-stream-manifest"
	// RuleDataStreamTitle: a data stream has a title.
	RuleDataStreamTitle Rule = "data-stream-title"
	// RuleDataStreamType: a data stream's type is logs, metrics, synthetics or traces.
	RuleDataStreamType Rule = "data-stream-type"
	// RuleDataStreamDataset: no dataset has a hyphen in its name.
	RuleDataStreamDataset Rule = "data-stream-dataset"
	// RulePipelineMissing: the ingest pipeline that a data stream names exists.
	RulePipelineMissing Rule = "pipeline-missing"
	// RulePipelineSyntax: the ingest pipeline that a data stream uses is YAML or JSON, a mapping.
	RulePipelineSyntax Rule = "pipeline-syntax"
	// RulePipelineUnused: a data stream that has ingest pipelines uses one.
	RulePipelineUnused Rule = "pipeline-unused"
	// RuleFieldsMissing: a data stream defines the fields that route its documents, with their types.
	RuleFieldsMissing Rule = "fields-missing"
	// RuleFieldsSyntax: each file in fields/ is YAML, a list of mappings.
	RuleFieldsSyntax Rule = "fields-syntax"
)
