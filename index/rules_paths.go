package index

// What a branch must obey so that its packages can be found. All but the three
// that say so are errors.
const (
	// RulePackageName: a directory of packages/ is named with a-z, 0-9 and _ alone.
	RulePackageName Rule = "package-name"
	// RulePackageDuplicate: a branch holds a name and version once, as a directory or as an archive.
	RulePackageDuplicate Rule = "package-duplicate"
	// RuleUnexpectedFile (warning): beside the packages there are no other files.
	RuleUnexpectedFile Rule = "unexpected-file"
	// RuleUnexpectedDirectory (warning): each directory of packages/<name>/ is a strict semantic version.
	RuleUnexpectedDirectory Rule = "unexpected-directory"
	// RuleNotCommitted (warning): a folder that is built from holds what its HEAD commit holds.
	RuleNotCommitted Rule = "not-committed"
)

// What the files of a package must obey, before any of them is read.
const (
	// RuleSymlink: a package holds no symbolic links.
	RuleSymlink Rule = "symlink"
	// RuleSubmodule: a package holds no git submodules.
	RuleSubmodule Rule = "submodule"
	// RuleIrregularFile: a package holds no devices, sockets, pipes, or git entries that are not what their mode says.
	RuleIrregularFile Rule = "irregular-file"
	// RuleObjectMissing: the source holds the content of each file that it lists.
	RuleObjectMissing Rule = "object-missing"
	// RuleFileSize: no file is over Limits.FileSize.
	RuleFileSize Rule = "file-size"
	// RuleFileCount: a package has at most Limits.Files files.
	RuleFileCount Rule = "file-count"
	// RulePackageSize: the files of a package are together at most Limits.TotalSize.
	RulePackageSize Rule = "package-size"
	// RulePathElement: no element of a path is empty, ".", ".." or ".git".
	RulePathElement Rule = "path-element"
	// RulePathCharacter: paths are UTF-8, with no backslash and no control character.
	RulePathCharacter Rule = "path-character"
	// RulePathLength: paths and their elements are at most MaxPath and MaxElement bytes long.
	RulePathLength Rule = "path-length"
	// RulePathCollision: no two paths are the same but for upper and lower case.
	RulePathCollision Rule = "path-collision"
	// RulePathDuplicate: no path is there twice, nor both as a file and as a directory.
	RulePathDuplicate Rule = "path-duplicate"
	// RulePathPortable (warning): names are the same to all systems and to all who read them.
	RulePathPortable Rule = "path-portable"
)

// RuleLFSPointer: no file is a pointer of git LFS in place of its content.
const RuleLFSPointer Rule = "lfs-pointer"

// What a ready-made archive must obey, beside the rules for its files.
const (
	// RuleArchiveFormat: an archive is a zip file, each entry stored or deflated, unencrypted, with the length and
	// checksum that its header states.
	RuleArchiveFormat Rule = "archive-format"
	// RuleArchiveRoot: all entries are in one directory, {name}-{version}/.
	RuleArchiveRoot Rule = "archive-root"
	// RuleArchiveAmbiguous: every reader finds the same in an archive: what is stated twice is stated equally, and every
	// byte belongs to an entry, the central directory or the end record.
	RuleArchiveAmbiguous Rule = "archive-ambiguous"
	// RuleArchiveOverlap: no two entries share bytes of the archive.
	RuleArchiveOverlap Rule = "archive-overlap"
	// RuleArchiveRatio: an archive, and each long entry, inflates to at most Limits.Ratio times its compressed length.
	RuleArchiveRatio Rule = "archive-ratio"
	// RuleSignatureFormat: the signature beside an archive is an OpenPGP signature in text form.
	RuleSignatureFormat Rule = "signature-format"
)
