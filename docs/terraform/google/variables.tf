variable "name" {
  description = "The bucket's name."
  type        = string
}

variable "region" {
  description = "Where the bucket and the server are."
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

variable "image" {
  description = "The container image of regsnap, by digest."
  type        = string
}

variable "repository" {
  description = "The repository whose CI publishes, such as example/package-storage."
  type        = string
}

variable "refs" {
  description = "The refs whose jobs may publish, such as refs/heads/production."
  type        = list(string)
}
