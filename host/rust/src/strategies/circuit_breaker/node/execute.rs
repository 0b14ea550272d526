//! The functions of workflow engines that bring the configuration with every call.

use std::future::Future;

use serde::de::DeserializeOwned;

use super::{CircuitBreakerNode, CircuitPassage, Guarded};
use crate::error::{Error, Problem};
use crate::gate::Tidegate;
use crate::nodes::json::Json;
use crate::nodes::output::NodeOutput;
use crate::strategies::circuit_breaker::{CallError, CallFailure, Failure};

impl Tidegate {
    /// Opens a circuit breaker node on its JSON configuration.
    ///
    /// # Errors
    /// [`Error::Config`] with all problems of the configuration.
    pub fn circuit_breaker_node(&self, config: &(impl Json + ?Sized)) -> Result<CircuitBreakerNode, Error> {
        CircuitBreakerNode::open(&self.core, &config.text())
    }

    /// [`CircuitBreakerNode::execute`] on a configuration that comes with the call. The last 256 of
    /// them stay open.
    ///
    /// # Errors
    /// [`Error::Config`]; [`Error::Input`] where the context is not an object; and those of
    /// [`CircuitBreakerNode::execute`].
    pub async fn execute_circuit_breaker_node(
        &self,
        config: &(impl Json + ?Sized),
        context: &(impl Json + ?Sized),
    ) -> Result<NodeOutput<CircuitPassage>, Error> {
        let node = self.cached_breaker(config)?;
        let passage = node.execute().await?;
        match node.output(context, &passage.json) {
            Ok(context) => Ok(NodeOutput { passage, context }),
            Err(error) => {
                if let Some(token) = &passage.token {
                    node.cancelled(Some(token)).await?;
                }
                Err(error)
            }
        }
    }

    /// A call that was admitted by [`Self::execute_circuit_breaker_node`] succeeded, and nobody
    /// kept its token.
    ///
    /// # Errors
    /// [`Error::Config`], also where `circuit_id` is not that of the configuration; and those of
    /// [`CircuitBreakerNode::succeeded`].
    pub async fn record_circuit_success(
        &self,
        circuit_id: &str,
        config: &(impl Json + ?Sized),
    ) -> Result<CircuitPassage, Error> {
        self.circuit(circuit_id, config)?.succeeded(None).await
    }

    /// A call that was admitted by [`Self::execute_circuit_breaker_node`] failed, and nobody kept
    /// its token.
    ///
    /// # Errors
    /// Those of [`Self::record_circuit_success`].
    pub async fn record_circuit_failure(
        &self,
        circuit_id: &str,
        config: &(impl Json + ?Sized),
        failure: Failure,
    ) -> Result<CircuitPassage, Error> {
        self.circuit(circuit_id, config)?.failed(None, failure).await
    }

    /// [`CircuitBreakerNode::call`] on a configuration that comes with the call. A circuit reads
    /// nothing of a context, so there is none to give. For a time limit and more, open the node:
    /// [`CircuitBreakerNode::guard`].
    ///
    /// # Errors
    /// [`Error::Config`] in a [`CallError::Gate`]; and those of [`CircuitBreakerNode::call`].
    pub async fn with_circuit_breaker<T, E, F, Kind>(
        &self,
        config: &(impl Json + ?Sized),
        operation: F,
    ) -> Result<Guarded<T>, CallError<E>>
    where
        T: DeserializeOwned,
        E: CallFailure<Kind>,
        F: Future<Output = Result<T, E>>,
    {
        self.cached_breaker(config).map_err(CallError::Gate)?.call(operation).await
    }

    fn cached_breaker(&self, config: &(impl Json + ?Sized)) -> Result<CircuitBreakerNode, Error> {
        let config = config.text();
        self.nodes.of().kept(&config, || CircuitBreakerNode::open(&self.core, &config))
    }

    fn circuit(&self, circuit_id: &str, config: &(impl Json + ?Sized)) -> Result<CircuitBreakerNode, Error> {
        let node = self.cached_breaker(config)?;
        if node.circuit_id() == circuit_id {
            return Ok(node);
        }
        let (value, allowed) = (format!("{:?}", node.circuit_id()), format!("{circuit_id:?}, the circuit of the call"));
        let problems = vec![Problem { path: "circuitId".to_owned(), value, allowed }];
        Err(Error::Config { name: circuit_id.to_owned(), problems })
    }
}
