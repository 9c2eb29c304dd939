"""Where a fleet keeps its images and manifests: a bucket (S3, Azure, Google Cloud) or a folder that all hosts share."""
