"""How a critic is told the class: Miyato and Koyama 2018, "cGANs with Projection Discriminator", arXiv 1802.05637."""

from __future__ import annotations

from torch import Tensor, nn


class Projection(nn.Module):
    """psi(phi) + <e(y), phi> (eq. 4 with a linear psi): features (N, F) and labels (N,) -> scores (N,).

    The class enters by an inner product, as log p(y | x) does when it is log-linear in the features; a concatenated label has
    to be multiplied with them by later layers.

    Args:
        features: F.
        classes: how many; 0 leaves psi alone, and the label out.
    """

    def __init__(self, features: int, classes: int = 0) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.embedding = nn.Embedding(classes, features) if classes else None
        if self.embedding is not None:
            nn.init.xavier_uniform_(self.embedding.weight)

    def forward(self, features: Tensor, label: Tensor | None = None) -> Tensor:
        scores: Tensor = self.linear(features).squeeze(1)
        if self.embedding is None or label is None:
            return scores
        projected: Tensor = (self.embedding(label) * features).sum(1)
        return scores + projected
