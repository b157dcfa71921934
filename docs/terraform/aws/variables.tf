variable "name" {
  description = "The bucket's name, which other resources' names begin with."
  type        = string
}

variable "environment" {
  description = "The environment that is served."
  type        = string
  default     = "production"
}

variable "hostname" {
  description = "The hostname of clients, such as epr.example.org."
  type        = string
}

variable "certificate_arn" {
  description = "A certificate for the hostname, in us-east-1."
  type        = string
}

variable "oidc_provider_arn" {
  description = "The account's provider for the tokens of CI."
  type        = string
}

variable "publishers" {
  description = "The subjects of tokens that may publish, such as repo:example/package-storage:ref:refs/heads/production."
  type        = list(string)
}

variable "functions" {
  description = "The folder that `regsnap edge cloudfront` wrote."
  type        = string
}
