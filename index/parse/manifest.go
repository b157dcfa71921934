package parse

// The types of this file mirror manifest.yml. The config tags are the keys of
// the manifest, the json tags those of the registry's API, and the order of the
// fields is the order that the API shows them in. go-ucfg gives a field without
// a config tag the key of its lower-case name, so what is not read from the
// manifest says "ignore".

// Manifest is a package's manifest.yml, with the registry's defaults filled in.
type Manifest struct {
	FormatVersion string        `config:"format_version"`
	Name          string        `config:"name"`
	Title         string        `config:"title"`
	Version       string        `config:"version"`
	Release       string        `config:"release"`
	Source        *Distribution `config:"source"`
	Description   string        `config:"description"`
	Type          string        `config:"type"`
	License       string        `config:"license"`
	Icons         []Image       `config:"icons"`
	Screenshots   []Image       `config:"screenshots"`
	// Categories lack those that the registry does not know.
	Categories              []string              `config:"categories"`
	PolicyTemplatesBehavior string                `config:"policy_templates_behavior"`
	PolicyTemplates         []PolicyTemplate      `config:"policy_templates"`
	Conditions              *Conditions           `config:"conditions"`
	Owner                   *Owner                `config:"owner"`
	Discovery               *Discovery            `config:"discovery"`
	Deprecated              *Deprecated           `config:"deprecated"`
	Requires                *Requires             `config:"requires"`
	Group                   string                `config:"group"`
	Vars                    []Variable            `config:"vars"`
	Elasticsearch           *PackageElasticsearch `config:"elasticsearch"`
	Agent                   *Agent                `config:"agent"`
}

// Distribution tells under which terms a package is distributed.
type Distribution struct {
	License string `config:"license" json:"license,omitempty"`
}

// Image is an icon or a screenshot.
type Image struct {
	// Src is where it is in the package; a leading slash means the package's root.
	Src string `config:"src" json:"src"`
	// Path is where the registry serves it.
	Path  string `config:",ignore" json:"path"`
	Title string `config:"title" json:"title,omitempty"`
	Size  string `config:"size" json:"size,omitempty"`
	Type  string `config:"type" json:"type,omitempty"`
}

// Conditions restrict where a package can be installed.
type Conditions struct {
	Kibana  *VersionCondition `config:"kibana" json:"kibana,omitempty"`
	Elastic *ElasticCondition `config:"elastic" json:"elastic,omitempty"`
	Agent   *VersionCondition `config:"agent" json:"agent,omitempty"`
}

// VersionCondition is a constraint on the version of Kibana or of the agent.
type VersionCondition struct {
	Version string `config:"version" json:"version"`
}

// ElasticCondition is what the installation must have bought or enabled.
type ElasticCondition struct {
	Subscription string   `config:"subscription" json:"subscription"`
	Capabilities []string `config:"capabilities" json:"capabilities,omitempty"`
}

// Owner is who maintains a package.
type Owner struct {
	Type string `config:"type" json:"type,omitempty"`
	// Github is a team or user: "elastic/integrations".
	Github string `config:"github" json:"github,omitempty"`
}

// Discovery tells by what data a package is useful.
type Discovery struct {
	Fields   []DiscoveryName `config:"fields" json:"fields,omitempty"`
	Datasets []DiscoveryName `config:"datasets" json:"datasets,omitempty"`
}

// IsZero makes encoding/json leave out a discovery that names nothing (omitzero).
func (d *Discovery) IsZero() bool {
	return d == nil || len(d.Fields) == 0 && len(d.Datasets) == 0
}

// DiscoveryName is a field or a dataset.
type DiscoveryName struct {
	Name string `config:"name" json:"name"`
}

// Deprecated is the notice that a package or a part of one is on its way out.
type Deprecated struct {
	Since       string       `config:"since" json:"since"`
	Description string       `config:"description" json:"description"`
	ReplacedBy  *Replacement `config:"replaced_by" json:"replaced_by,omitempty"`
}

// Replacement names what to use instead of something deprecated.
type Replacement struct {
	Package        string `config:"package" json:"package,omitempty"`
	PolicyTemplate string `config:"policy_template" json:"policy_template,omitempty"`
	Input          string `config:"input" json:"input,omitempty"`
	DataStream     string `config:"data_stream" json:"data_stream,omitempty"`
	Variable       string `config:"variable" json:"variable,omitempty"`
}

// Requires lists the packages that a package is built from or installed with.
type Requires struct {
	Input   []Dependency `config:"input" json:"input,omitempty"`
	Content []Dependency `config:"content" json:"content,omitempty"`
}

// Dependency is a package and the versions of it that will do.
type Dependency struct {
	Package string `config:"package" json:"package"`
	Version string `config:"version" json:"version"`
}

// PackageElasticsearch is what a package as a whole asks of Elasticsearch.
type PackageElasticsearch struct {
	Privileges *ClusterPrivileges `config:"privileges" json:"privileges,omitempty"`
}

// ClusterPrivileges are the privileges that the agent's key needs.
type ClusterPrivileges struct {
	Cluster []string `config:"cluster" json:"cluster,omitempty"`
}

// Agent is what a package or a data stream asks of the agent.
type Agent struct {
	Privileges *AgentPrivileges `config:"privileges" json:"privileges,omitempty"`
}

// AgentPrivileges reports whether the agent must run as root.
type AgentPrivileges struct {
	Root bool `config:"root" json:"root,omitempty"`
}

// PolicyTemplate is one way to use a package in an agent policy.
type PolicyTemplate struct {
	Name        string   `config:"name" json:"name"`
	Title       string   `config:"title" json:"title"`
	Description string   `config:"description" json:"description"`
	DataStreams []string `config:"data_streams" json:"data_streams,omitempty"`
	Inputs      []Input  `config:"inputs" json:"inputs,omitempty"`
	Multiple    *bool    `config:"multiple" json:"multiple,omitempty"`
	Icons       []Image  `config:"icons" json:"icons,omitempty"`
	// Categories is nil when the manifest has none, and empty when it has an
	// empty list: the two are counted differently.
	Categories      []string         `config:"categories" json:"categories,omitempty"`
	Screenshots     []Image          `config:"screenshots" json:"screenshots,omitempty"`
	Readme          *string          `config:"readme" json:"readme,omitempty"`
	DeploymentModes *DeploymentModes `config:"deployment_modes" json:"deployment_modes,omitempty"`
	// The next four are for packages of type input.
	Type            string      `config:"type" json:"type,omitempty"`
	Input           string      `config:"input" json:"input,omitempty"`
	IngestionMethod string      `config:"ingestion_method" json:"ingestion_method,omitempty"`
	TemplatePath    string      `config:"template_path" json:"template_path,omitempty"`
	Deprecated      *Deprecated `config:"deprecated" json:"deprecated,omitempty"`
}

// DeploymentModes tells how a policy template can be deployed.
type DeploymentModes struct {
	Default   *DefaultMode   `config:"default" json:"default,omitempty"`
	Agentless *AgentlessMode `config:"agentless" json:"agentless,omitempty"`
}

// DefaultMode is a deployment on agents of the user's own. The registry shows no
// more of it, whatever else the manifest says.
type DefaultMode struct {
	Enabled bool `config:"enabled" json:"enabled"`
}

// AgentlessMode is a deployment without an agent of the user's own.
type AgentlessMode struct {
	Enabled   bool   `config:"enabled" json:"enabled"`
	IsDefault *bool  `config:"is_default" json:"is_default,omitempty"`
	Release   string `config:"release" json:"release,omitempty"`
}

// Input is one input of a policy template.
type Input struct {
	Type            string      `config:"type" json:"type,omitempty"`
	Package         string      `config:"package" json:"package,omitempty"`
	Vars            []Variable  `config:"vars" json:"vars,omitempty"`
	Title           string      `config:"title" json:"title,omitempty"`
	Description     string      `config:"description" json:"description,omitempty"`
	Streams         []Stream    `config:"streams" json:"streams,omitempty"`
	TemplatePath    string      `config:"template_path" json:"template_path,omitempty"`
	InputGroup      string      `config:"input_group" json:"input_group,omitempty"`
	DeploymentModes []string    `config:"deployment_modes" json:"deployment_modes,omitempty"`
	Deprecated      *Deprecated `config:"deprecated" json:"deprecated,omitempty"`
}

// Stream is one stream of a data stream or of an input.
type Stream struct {
	Input           string     `config:"input" json:"input,omitempty"`
	Package         string     `config:"package" json:"package,omitempty"`
	Vars            []Variable `config:"vars" json:"vars,omitempty"`
	DataStream      string     `config:"data_stream" json:"data_stream,omitempty"`
	TemplatePath    string     `config:"template_path" json:"template_path,omitempty"`
	Title           string     `config:"title" json:"title,omitempty"`
	Description     string     `config:"description" json:"description,omitempty"`
	Enabled         *bool      `config:"enabled" json:"enabled,omitempty"`
	IngestionMethod string     `config:"ingestion_method" json:"ingestion_method,omitempty"`
}

// Variable is something that the user sets.
type Variable struct {
	Name        string      `config:"name" json:"name"`
	Type        string      `config:"type" json:"type"`
	Title       string      `config:"title" json:"title,omitempty"`
	Description string      `config:"description" json:"description,omitempty"`
	Multi       bool        `config:"multi" json:"multi"`
	Required    bool        `config:"required" json:"required"`
	ShowUser    bool        `config:"show_user" json:"show_user"`
	Default     any         `config:"default" json:"default,omitempty"`
	Deprecated  *Deprecated `config:"deprecated" json:"deprecated,omitempty"`
}
