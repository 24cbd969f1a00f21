"""ResNet-18 and VGG-16 with published weights; imported by runs/, all that stands on it, and bench/."""
